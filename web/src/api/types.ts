/** The rows of `/api/v2` as the UI uses them: see the REST API's reference. Times in seconds since 1970. */

export type Property = [value: unknown, source: string];
export type Properties = Record<string, Property>;

export interface Builder {
  builderid: number;
  name: string;
  description: string | null;
  description_format: string | null;
  description_html: string | null;
  masterids: number[];
  projectid: number | null;
  tags: string[];
  /** With `recent=N`, newest first. */
  recent_builds?: RecentBuild[];
  pending_count?: number;
  running_count?: number;
  /** Of the newest build. */
  cause?: Cause | null;
  statistics?: { builds: number; success_rate: number | null; median_seconds: number | null };
}

/** Why something was built, with `cause=true`: its newest change, if there is one, and the reason. */
export interface Cause {
  reason: string;
  branch: string | null;
  revision: string | null;
  changeid: number | null;
  author: string | null;
  subject: string | null;
}

export interface RecentBuild {
  buildid: number;
  number: number;
  results: number | null;
  started_at: number;
  complete_at: number | null;
}

export interface Build {
  buildid: number;
  number: number;
  builderid: number;
  buildrequestid: number;
  workerid: number;
  masterid: number;
  started_at: number;
  complete: boolean;
  complete_at: number | null;
  locks_duration_s: number;
  results: number | null;
  state_string: string;
  properties: Properties;
  cause?: Cause | null;
}

export interface Step {
  stepid: number;
  number: number;
  name: string;
  buildid: number;
  started_at: number | null;
  locks_acquired_at: number | null;
  complete: boolean;
  complete_at: number | null;
  results: number | null;
  state_string: string;
  urls: { name: string; url: string }[];
  hidden: boolean;
}

export interface Log {
  logid: number;
  name: string;
  slug: string;
  stepid: number;
  complete: boolean;
  num_lines: number;
  /** `s`: lines of a command with their stream; `t`: text; `h`: HTML; `d`: deleted. */
  type: 's' | 't' | 'h' | 'd';
}

export interface BuildRequest {
  buildrequestid: number;
  buildsetid: number;
  builderid: number;
  priority: number;
  claimed: boolean;
  claimed_at: number | null;
  claimed_by_masterid: number | null;
  complete: boolean;
  complete_at: number | null;
  results: number | null;
  submitted_at: number;
  end_reason?: string | null;
  waited_for: boolean;
  properties: Properties | null;
}

export interface SourceStamp {
  ssid: number;
  revision: string | null;
  branch: string | null;
  repository: string;
  project: string;
  codebase: string;
  patch: { body: string; author: string; comment: string; level: number } | null;
  created_at: number;
}

export interface Buildset {
  bsid: number;
  external_idstring: string | null;
  reason: string;
  rebuilt_buildid: number | null;
  submitted_at: number;
  complete: boolean;
  complete_at: number | null;
  results: number | null;
  sourcestamps: SourceStamp[];
  parent_buildid: number | null;
  parent_relationship: string | null;
  /** Below `trusted`, builds get no secrets, and only some workers. */
  trust: string;
  trust_reason: string | null;
}

export interface Change {
  changeid: number;
  author: string;
  committer: string | null;
  files: string[];
  comments: string;
  revision: string | null;
  when_timestamp: number;
  branch: string | null;
  category: string | null;
  revlink: string | null;
  properties: Properties;
  repository: string;
  project: string;
  codebase: string;
  trust: string;
  trust_reason: string | null;
  sourcestamp: SourceStamp;
}

export interface Worker {
  workerid: number;
  name: string;
  connected_to: { masterid: number }[];
  configured_on: { builderid: number; masterid: number }[];
  workerinfo: Record<string, unknown>;
  paused: boolean;
  pause_reason: string | null;
  paused_by: string | null;
  paused_at: number | null;
  graceful: boolean;
  stop_reason: string | null;
  stopped_by: string | null;
  stopped_at: number | null;
  /** Since when it is connected to no master. */
  disconnected_at: number | null;
  connected_at: number | null;
  /** `native`, `pb` or `msgpack`. */
  protocol: string | null;
  /** When it was lost last, and why; also when it has come back since. */
  lost_at: number | null;
  lost_reason: string | null;
  /** Started when there is something to build (`useOnDemand`); the API's rows do not say so. */
  isOnDemand?: boolean;
}

export interface Project {
  projectid: number;
  name: string;
  slug: string;
  active: boolean | null;
  description: string | null;
  description_format: string | null;
  description_html: string | null;
}

export interface Master {
  masterid: number;
  name: string;
  active: boolean;
  last_active: number;
}

/** The line of a log that says first what went wrong. */
export interface FirstError {
  stepid: number;
  step: string;
  slug: string;
  line: number;
  text: string;
}

/** Why a build failed: the first error of the build that its failure goes back to. */
export interface Failure {
  buildid: number;
  root_buildid: number;
  root_builderid: number;
  root_number: number;
  /** So many more builds failed that were triggered on the way to the root. */
  others: number;
  step: string | null;
  step_number: number | null;
  slug: string | null;
  line: number | null;
  text: string | null;
}

export interface Scheduler {
  schedulerid: number;
  name: string;
  enabled: boolean;
  /** The name of its class. */
  type: string | null;
  /** What makes it submit buildsets, in words. */
  waits_for: string | null;
  /** When one with a time table is due next. */
  next_at: number | null;
  master: Master | null;
}

export interface Why {
  kind: string;
  sentence: string;
  details: Record<string, unknown>;
}

/** Waiting requests with the same reason (`buildrequests/why`). */
export interface WhyGroup extends Why {
  /** A name of the reason: the same in later answers. */
  group: string;
  count: number;
  /** The sentence without the number and the age of the requests. */
  reason: string;
  oldest_submitted_at: number;
  builders: { builderid: number; name: string; count: number }[];
  buildrequestids: number[];
}

export interface Eta {
  stepid: number | null;
  name: string;
  eta: number;
  seconds_left: number;
  progress: number;
}

export interface Action {
  action: string;
  is_allowed: boolean;
  reason: string | null;
}

export interface ConfiguredLock {
  name: string;
  /** Whether one lock covers all workers, or each worker has its own. */
  scope: 'master' | 'worker';
  mode: 'counting' | 'exclusive';
  count: number;
  max_count: number;
}

export interface ConfiguredProperty {
  name: string;
  value: unknown;
  /** Each build computes it. */
  is_computed: boolean;
  /** Only of builds that have no other value for it. */
  is_default: boolean;
}

export interface ConfiguredStep {
  name: string;
  type: string;
  /** Null: each build decides; so it is with the others. */
  locks: ConfiguredLock[] | null;
  runs: boolean | null;
  hidden: boolean | null;
}

export interface ConfiguredBuilder {
  builderid: number;
  name: string;
  workers: string[];
  locks: ConfiguredLock[] | null;
  properties: ConfiguredProperty[];
  steps: ConfiguredStep[] | null;
}

export interface ForceField {
  type: string;
  name: string;
  fullName: string | null;
  label: string;
  tablabel: string;
  default: unknown;
  tooltip: string;
  required: boolean;
  hide: boolean;
  multiple: boolean;
  regex: string | null;
  maxsize: number | null;
  autopopulate: Record<string, Record<string, unknown>> | null;
  size?: number;
  rows?: number;
  cols?: number;
  columns?: number;
  layout?: string;
  choices?: string[];
  strict?: boolean;
  need_email?: boolean;
  fields?: ForceField[];
}

export interface ForceScheduler {
  name: string;
  button_name: string;
  label: string;
  builder_names: string[];
  enabled: boolean;
  all_fields: ForceField[];
}

export interface SiteUser {
  anonymous?: boolean;
  username?: string;
  email?: string;
  full_name?: string;
  groups?: string[];
}

export interface Site {
  title: string;
  titleURL: string;
  buildbotURL: string;
  multiMaster: boolean;
  versions: [string, string][];
  auth: { name: string; oauth2?: boolean; fa_icon?: string };
  user: SiteUser;
  plugins: Record<string, unknown>;
  /** Who is asked for pictures of people. */
  avatar_methods?: unknown[];
}
