"""Names of Buildbot's that are its own affair, and that configurations import all the same.

The import of one is accepted, with a warning at its line; it does nothing.
"""

from __future__ import annotations

_NAMES = """
buildbot.asyncio: *
buildbot.broken_test: *
buildbot.buildbot_net_usage_data: PHONE_HOME_URL basicData computeUsageData countPlugins fullData
    getName get_distro linux_distribution sendBuildbotNetUsageData
buildbot.buildrequest: *
buildbot.changes.bonsaipoller: *
buildbot.changes.dnotify: *
buildbot.changes.freshcvs: *
buildbot.changes.freshcvsmail: *
buildbot.changes.gerritchangesource: GerritChangeSourceBase GerritHttpEventLogPollerConnector
    GerritSshStreamEventsConnector build_gerrit_event_hash extract_gerrit_event_time is_event_valid
buildbot.changes.github: HOSTED_BASE_URL link_urls
buildbot.changes.hgbuildbot: *
buildbot.changes.mail: parseLaunchpadDate
buildbot.changes.maildir: *
buildbot.changes.manager: ChangeManager
buildbot.changes.monotone: *
buildbot.changes.p4poller: TicketLoginProtocol debug_logging
buildbot.changes.svn_buildbot: *
buildbot.clients.base: *
buildbot.clients.debug: *
buildbot.clients.gtkPanes: *
buildbot.clients.text: *
buildbot.clients.tryclient: BzrExtractor CVSExtractor DarcsExtractor FakeBuildSetStatus
    GitExtractor MercurialExtractor MonotoneExtractor PerforceExtractor RemoteTryPP SVNExtractor
    SourceStamp SourceStampExtractor Try createJobfile getSourceStamp getTopdir ns output
buildbot.clients.usersclient: UsersClient
buildbot.config.checks: check_markdown_support check_param_int_none check_param_type
buildbot.config.errors: capture_config_errors
buildbot.config.master: DBConfig DEFAULT_DB_URL FileLoader get_is_in_unit_tests loadConfigDict
    set_is_in_unit_tests
buildbot.data.base: BuildNestingMixin ListResult NestedBuildDataRetriever SubResource updateMethod
buildbot.data.build_data: BuildData BuildDataEndpoint BuildDataNoValueEndpoint
    BuildDatasNoValueEndpoint
buildbot.data.builders: Builder BuilderEndpoint BuildersEndpoint
buildbot.data.buildrequests: BuildRequest BuildRequestEndpoint BuildRequestsEndpoint
    buildrequests_field_mapping
buildbot.data.builds: Build BuildEndpoint BuildTriggeredBuildsEndpoint BuildsEndpoint
    builds_field_map
buildbot.data.buildsets: Buildset BuildsetEndpoint BuildsetsEndpoint buildset_field_mapping
buildbot.data.changes: Change ChangeEndpoint ChangesEndpoint FixerMixin
buildbot.data.changesources: ChangeSource ChangeSourceEndpoint ChangeSourcesEndpoint
buildbot.data.codebase_branches: CodebaseBranch CodebaseBranchEndpoint CodebaseBranchesEndpoint
    branch_db_to_data branches_field_map
buildbot.data.codebase_commits: CodebaseCommit CodebaseCommitByRevisionEndpoint
    CodebaseCommitEndpoint CodebaseCommitsEndpoint CodebaseCommitsGraph
    CodebaseCommitsGraphEndpoint commit_db_to_data commits_field_map
buildbot.data.codebases: Codebase CodebaseEndpoint CodebasesEndpoint codebase_db_to_data
    codebases_field_map
buildbot.data.connector: DataConnector RTypes Updates
buildbot.data.forceschedulers: ForceScheduler ForceSchedulerEndpoint ForceSchedulersEndpoint
    JSONRPC_CODES forceScheduler2Data
buildbot.data.logchunks: LogChunk LogChunkEndpoint LogChunkEndpointBase RawInlineLogChunkEndpoint
    RawLogChunkEndpoint
buildbot.data.logs: EndpointMixin Log LogEndpoint LogsEndpoint
buildbot.data.masters: EXPIRE_MINUTES Master MasterEndpoint MastersEndpoint
buildbot.data.patches: Patch
buildbot.data.projects: Project ProjectEndpoint ProjectsEndpoint project_db_to_data
buildbot.data.properties: BuildPropertiesEndpoint BuildsetPropertiesEndpoint Properties
    PropertiesListEndpoint Property
buildbot.data.resultspec: FieldBase NoneComparator NotSupportedFieldTypeError OptimisedResultSpec
    Property ReverseComparator
buildbot.data.root: Root RootEndpoint Spec SpecEndpoint
buildbot.data.schedulers: Scheduler SchedulerEndpoint SchedulersEndpoint
buildbot.data.sourcestamps: SourceStamp SourceStampEndpoint SourceStampsEndpoint
buildbot.data.steps: Step StepEndpoint StepsEndpoint UrlEntityType
buildbot.data.types: Binary Boolean DateTime Identifier Instance Integer JsonObject List NoneOk
    PropertyEntityType SourcedProperties String capitalize ramlMaybeNoneOrList
buildbot.data.workers: MasterBuilderEntityType MasterIdEntityType Worker WorkerEndpoint
    WorkersEndpoint
buildbot.db.base: CachedMethod cached
buildbot.db.build_data: BuildDataConnectorComponent BuildDataDict BuildDataModel
buildbot.db.builders: BuilderModel BuildersConnectorComponent
buildbot.db.buildrequests: BrDict BuildRequestModel
buildbot.db.builds: BuildModel BuildsConnectorComponent
buildbot.db.buildsets: AlreadyCompleteError BsProps BuildSetModel BuildsetsConnectorComponent
buildbot.db.changes: ChDict ChangeModel ChangesConnectorComponent
buildbot.db.changesources: ChangeSourceAlreadyClaimedError ChangeSourceModel
    ChangeSourcesConnectorComponent
buildbot.db.codebase_branches: CodebaseBranchConnectorComponent CodebaseBranchModel
buildbot.db.codebase_commits: CodebaseCommitCache CodebaseCommitModel
    CodebaseCommitsConnectorComponent CommonCommitInfo UNKNOWN_COMMIT_ID
buildbot.db.codebases: CodebaseModel CodebasesConnectorComponent
buildbot.db.compression: *
buildbot.db.compression.brotli: BrotliCompressor HAS_BROTLI MODE_TEXT
buildbot.db.compression.lz4: HAS_LZ4 LZ4Compressor
buildbot.db.compression.native: BZipCompressor GZipCompressor
buildbot.db.compression.protocol: CompressObjInterface CompressorInterface
buildbot.db.compression.zstd: HAS_ZSTD ZStdCompressor
buildbot.db.connector: upgrade_message
buildbot.db.dbconfig: FakeCacheManager FakeDBConnector FakeMaster FakePool
buildbot.db.enginestrategy: MySQLStrategy ReconnectingListener SqlLiteStrategy Strategy
    create_engine get_drivers_strategy sa_url_set_attr special_case_mysql special_case_sqlite
buildbot.db.exceptions: DatabaseNotReadyError
buildbot.db.logs: LogCompressionFormatUnavailableError LogModel LogSlugExistsError
    LogsConnectorComponent RawCompressor
buildbot.db.masters: MasterDict MasterModel MastersConnectorComponent
buildbot.db.migrate_utils: test_unicode
buildbot.db.model: UpgradeFromBefore0p9Error UpgradeFromBefore3p0Error
buildbot.db.model_config: hash_length property_name_length property_source_length step_name_length
buildbot.db.pool: DBThreadPool timed_do_fn
buildbot.db.projects: ProjectModel ProjectsConnectorComponent
buildbot.db.schedulers: SchedulerAlreadyClaimedError SchedulerModel SchedulersConnectorComponent
buildbot.db.sourcestamps: PatchModel SourceStampModel SourceStampsConnectorComponent SsDict
buildbot.db.state: ObjDict StateConnectorComponent
buildbot.db.steps: StepModel StepsConnectorComponent UrlModel
buildbot.db.tags: TagsConnectorComponent
buildbot.db.types: *
buildbot.db.types.json: JsonObject
buildbot.db.users: UsDict UserModel UsersConnectorComponent
buildbot.db.workers: BuilderMasterModel WorkerModel WorkersConnectorComponent
buildbot.dnotify: *
buildbot.ec2: *
buildbot.errors: CaptureCallbackError PluginDBError
buildbot.exceptions: *
buildbot.locks: BaseLockId RealMasterLock RealWorkerLock debuglog
buildbot.loop: *
buildbot.machine.generic: HttpAction runProcessLogFailures
buildbot.machine.manager: MachineManager
buildbot.manhole: ArbitraryCheckerManhole OpenSSHFactory SSHPublicKeyDatabase
    chainedProtocolFactory makeTelnetProtocol manhole_ssh show
buildbot.master: LogRotation
buildbot.monkeypatches: *
buildbot.monkeypatches.decorators: *
buildbot.monkeypatches.servicechecks: *
buildbot.mq: *
buildbot.mq.base: MQBase QueueRef
buildbot.mq.connector: MQConnector
buildbot.mq.simple: PersistentQueueRef QueueRef SimpleMQ
buildbot.mq.wamp: QueueRef WampMQ
buildbot.pbutil: NewCredPerspective ReconnectingPBClientFactory decode
buildbot.process.botmaster: LockRetrieverMixin
buildbot.process.buildrequest: BuildRequestCollapser TempChange TempSourceStamp
buildbot.process.buildstep: BuildStepStatus BuildStepWrapperMixin CallableAttributeError
buildbot.process.cache: CacheManager
buildbot.process.debug: DebugServices
buildbot.process.factory: ConfigurableBuildFactory s
buildbot.process.locks: get_real_locks_from_accesses get_real_locks_from_accesses_raw
buildbot.process.log: HtmlLog PlainLog
buildbot.process.measured_service: MeasuredBuildbotServiceManager
buildbot.process.metrics: ALARM_CRIT ALARM_OK ALARM_TEXT ALARM_WARN AttachedWorkersWatcher
    AveragingFiniteList FiniteList MetricAlarmEvent MetricAlarmHandler MetricCountEvent
    MetricCountHandler MetricEvent MetricHandler MetricLogObserver MetricTimeEvent
    MetricTimeHandler Timer countMethod periodicCheck timeMethod
buildbot.process.mtrlogobserver: *
buildbot.process.properties: RenderableOperatorsMixin
buildbot.process.remotetransfer: DirectoryWriter FileReader FileWriter StringFileReader
    StringFileWriter
buildbot.process.results: MultipleResults
buildbot.process.step_twisted2: *
buildbot.process.subunitlogobserver: *
buildbot.process.users.manager: UserManagerManager
buildbot.process.users.manual: CommandlineUserManagerPerspective
buildbot.process.users.users: check_passwd createUserObject encrypt getUserContact salt_len srcs
buildbot.process.workerforbuilder: LatentWorkerForBuilder Ping PingException States
buildbot.reporters.bitbucket: BITBUCKET_FAILED BITBUCKET_INPROGRESS BITBUCKET_SUCCESSFUL
buildbot.reporters.bitbucketserver: COMMENT_API_URL FAILED HTTP_CREATED HTTP_PROCESSED INPROGRESS
    STATUS_API_URL STATUS_CORE_API_URL SUCCESSFUL
buildbot.reporters.generators.worker: ENCODING
buildbot.reporters.gerrit: DEFAULT_REVIEW DEFAULT_SUMMARY GERRIT_LABEL_REVIEWED
    GERRIT_LABEL_VERIFIED GERRIT_VERSION_CACHE_TIMEOUT GerritBuildEndStatusGenerator
    GerritBuildSetStatusGenerator GerritBuildStartStatusGenerator GerritStatusGeneratorBase
    extract_project_revision
buildbot.reporters.irc: IRCChannel IRCContact IrcStatusBot IrcStatusFactory UsageError
buildbot.reporters.message: MessageFormatterBaseJinja default_body_template_html
    default_body_template_plain default_missing_template_html default_missing_template_plain
    default_missing_worker_subject_template default_subject_template
buildbot.reporters.pushjet: DEFAULT_MSG_TEMPLATE ENCODING LEVELS
buildbot.reporters.pushover: DEFAULT_MSG_TEMPLATE ENCODING PRIORITIES VALID_PARAMS
buildbot.reporters.telegram: TelegramChannel TelegramPollingBot TelegramWebhookBot collect_fields
buildbot.reporters.utils: get_responsible_users_for_buildset get_url_for_log_raw should_attach_log
buildbot.reporters.words: ForceOptions GREETINGS ThrottledClientFactory UsageError WebhookResource
    dangerousCommand dangerous_commands
buildbot.revlinks: GitwebMatch SourceforgeGitRevlink_AlluraPlatform
buildbot.schedulers.forcesched: DefaultField
buildbot.schedulers.manager: SchedulerManager
buildbot.schedulers.trysched: BadJobfile JobdirService RemoteBuild RemoteBuildRequest
    RemoteBuildSetStatus Try_Userpass_Perspective
buildbot.scripts.base: *
buildbot.scripts.checkconfig: *
buildbot.scripts.cleanupdb: *
buildbot.scripts.copydb: *
buildbot.scripts.create_master: *
buildbot.scripts.dataspec: *
buildbot.scripts.debugclient: *
buildbot.scripts.devproxy: *
buildbot.scripts.logwatcher: *
buildbot.scripts.processwwwindex: *
buildbot.scripts.reconfig: *
buildbot.scripts.restart: *
buildbot.scripts.runner: *
buildbot.scripts.sendchange: *
buildbot.scripts.start: *
buildbot.scripts.statusgui: *
buildbot.scripts.statuslog: *
buildbot.scripts.stop: *
buildbot.scripts.trycmd: *
buildbot.scripts.tryserver: *
buildbot.scripts.upgrade_master: *
buildbot.scripts.user: *
buildbot.scripts.windows_service: *
buildbot.secrets.manager: SecretManager
buildbot.slave: *
buildbot.slave.bot: *
buildbot.slave.commands: *
buildbot.slave.registry: *
buildbot.statistics: *
buildbot.statistics.capture: Capture CaptureBuildDuration CaptureBuildDurationAllBuilders
    CaptureBuildEndTime CaptureBuildEndTimeAllBuilders CaptureBuildStartTime
    CaptureBuildStartTimeAllBuilders CaptureBuildTimes CaptureData CaptureDataAllBuilders
    CaptureDataBase CaptureProperty CapturePropertyAllBuilders CapturePropertyBase
buildbot.statistics.stats_service: StatsService
buildbot.statistics.storage_backends: *
buildbot.statistics.storage_backends.base: StatsStorageBase
buildbot.statistics.storage_backends.influxdb_client: InfluxDBClient InfluxStorageService
buildbot.steps.blocker: *
buildbot.steps.dummy: *
buildbot.steps.http: closeSession getSession setSession
buildbot.steps.maxq: MaxQObserver
buildbot.steps.package.deb.lintian: MaxQObserver
buildbot.steps.package.rpm.mock: MockStateObserver
buildbot.steps.package.util: WEObserver
buildbot.steps.python_twisted: UNSPECIFIED
buildbot.steps.shell: PerlModuleTestObserver
buildbot.steps.source.git: GIT_HASH_LENGTH git_describe_flags isTrueOrIsExactlyZero
buildbot.steps.source.oldsource: *
buildbot.steps.transfer: makeStatusRemoteCommand
buildbot.steps.vstudio: MSLogLineObserver
buildbot.twcompat: *
buildbot.util: badchars_map check_functional_environment
buildbot.util._notifier: Notifier
buildbot.util.async_sort: async_sort
buildbot.util.backoff: BackoffTimeoutExceededError ExponentialBackoffEngine
    ExponentialBackoffEngineAsync ExponentialBackoffEngineSync
buildbot.util.bbcollections: KeyedSets
buildbot.util.codebase: AbsoluteSourceStampsMixin
buildbot.util.config: ConfiguredMixin
buildbot.util.croniter: *
buildbot.util.debounce: PH_IDLE PH_RUNNING PH_RUNNING_QUEUED PH_WAITING
buildbot.util.deferwaiter: DeferWaiter NonRepeatedActionHandler RepeatedActionHandler
buildbot.util.eventual: eventually fireEventually flushEventualQueue
buildbot.util.git: AbstractGitAuth GitMixin GitServiceAuth GitStepAuth check_ssh_config
    ensureSshKeyNewline escapeShellArgIfNeeded getSshArgsForKeys getSshCommand
    getSshKnownHostsContents getSshWrapperScriptContents scp_style_to_url_syntax
buildbot.util.httpclientservice: TreqResponseWrapper TxRequestsResponseWrapper
buildbot.util.importlib_compat: entry_points_get
buildbot.util.kubeclientservice: KubeClientService KubeConfigLoaderBase
buildbot.util.lineboundaries: LineBoundaryFinder
buildbot.util.loop: *
buildbot.util.lru: AsyncLRUCache LRUCache inv_failed
buildbot.util.maildir: MaildirService NoSuchMaildir dnotify
buildbot.util.misc: chunkify_list
buildbot.util.monkeypatches: *
buildbot.util.netstrings: NetstringParser NullAddress NullTransport
buildbot.util.path_expand_user: nt_expanduser posix_expanduser
buildbot.util.pathmatch: Matcher ident
buildbot.util.poll: reset_poll_methods track_poll_methods
buildbot.util.private_tempdir: PrivateTemporaryDirectory
buildbot.util.protocol: LineBuffer LineProcessProtocol
buildbot.util.queue: ConnectableThreadQueue UndoableQueue
buildbot.util.raml: RamlLoader RamlSpec construct_include construct_mapping
buildbot.util.render_description: render_description
buildbot.util.runprocess: RunProcess RunProcessPP
buildbot.util.sautils: InsertFromSelect Table get_sqlite_version get_upsert_method hash_columns
    sa_version withoutSqliteForeignKeys
buildbot.util.service: IndependentAsyncMultiService
buildbot.util.ssfilter: extract_filter_values extract_filter_values_branch
    extract_filter_values_dict extract_filter_values_dict_regex extract_filter_values_regex
buildbot.util.ssl: ensureHasSSL has_ssl skipUnless ssl_import_error
buildbot.util.subscription: Subscription SubscriptionPoint
buildbot.util.tuplematch: matchTuple
buildbot.util.twisted: ThreadPool any_to_async
buildbot.util.watchdog: Watchdog
buildbot.wamp: *
buildbot.wamp.connector: MasterService WampConnector make
buildbot.worker.docker: DockerBaseWorker
buildbot.worker.ec2: FULFILLED PENDING PRICE_TOO_LOW RUNNING SHUTTINGDOWN
    SPOT_REQUEST_PENDING_STATES TERMINATED
buildbot.worker.kubernetes: KubeError KubeJsonError KubeTextError
buildbot.worker.latent: LocalLatentWorker
buildbot.worker.libvirt: ServerThreadPool ThreadWithQueue handle_connect_close
buildbot.worker.manager: WorkerManager WorkerRegistration
buildbot.worker.openstack: ACTIVE BUILD DELETED UNKNOWN
buildbot.worker.protocols: *
buildbot.worker.protocols.base: Connection FileReaderImpl FileWriterImpl Listener RemoteCommandImpl
    UpdateRegistrationListener
buildbot.worker.protocols.manager: *
buildbot.worker.protocols.manager.base: BaseDispatcher BaseManager Registration
buildbot.worker.protocols.manager.msgpack: BuildbotWebSocketServerProtocol ConnectioLostError
    Dispatcher MsgManager RemoteWorkerError decode_http_authorization_header
    encode_http_authorization_header
buildbot.worker.protocols.manager.pb: Dispatcher PBManager
buildbot.worker.protocols.msgpack: BasicRemoteCommand Connection Listener
buildbot.worker.protocols.null: Connection FileReaderProxy FileWriterProxy Listener ProxyMixin
    RemoteCommandProxy
buildbot.worker.protocols.pb: Connection FileReaderProxy FileWriterProxy Listener
    ReferenceableProxy RemoteCommand
buildbot.worker.upcloud: DEFAULT_BASE_URL DEFAULT_CORE_NUMBER DEFAULT_MEMORY_AMOUNT
    DEFAULT_OS_DISK_SIZE DEFAULT_PLAN DEFAULT_ZONE
buildbot.worker_transition: *
buildbot.www.auth: AuthRootResource LoginResource LogoutResource PreAuthenticatedLoginResource
    SESSION_SECRET_ALGORITHM SESSION_SECRET_LENGTH build_anonymous_user_info build_cookie_name
    parse_user_info_from_token
buildbot.www.avatar: AvatarResource
buildbot.www.change_hook: ChangeHookResource
buildbot.www.config: ConfigResource IndexResource get_environment_versions
    get_www_frontend_config_dict replace_placeholder_range
    serialize_www_frontend_config_dict_to_json serialize_www_frontend_theme_to_css
buildbot.www.encoding: BrotliEncoderFactory ZstandardEncoderFactory
buildbot.www.hooks.bitbucketcloud: BitbucketCloudEventHandler GIT_BRANCH_REF GIT_MERGE_REF
    GIT_TAG_REF
buildbot.www.hooks.bitbucketserver: BitbucketServerEventHandler GIT_BRANCH_REF GIT_MERGE_REF
    GIT_TAG_REF
buildbot.www.hooks.github: DEFAULT_GITHUB_API_URL DEFAULT_SKIPS_PATTERN GitHubHandler
buildbot.www.hooks.gitorious: GitoriousHandler
buildbot.www.hooks.poller: PollingHandler
buildbot.www.resource: RedirectResource protect_redirect_url
buildbot.www.rest: BadJsonRpc2 ContentTypeParser JSONRPC_CODES JSON_ENCODED RestRootResource
    URL_ENCODED V2RootResource
buildbot.www.service: BuildbotSession BuildbotSite WWWService
buildbot.www.sse: Consumer EventResource
buildbot.www.ws: Subscription WsProtocol WsProtocolFactory WsResource get_ws_sitepath parse_cookies
"""


def _read(text: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for entry in text.replace("\n    ", " ").splitlines():
        module, _, names = entry.partition(": ")
        if module:
            found[module] = frozenset(names.split())
    return found


INNER_NAMES = _read(_NAMES)
"""By module: its names; ``*`` stands for any."""

INNER_PACKAGES = ("buildbot.buildslave", "buildbot.slave", "buildbot.status")
"""Packages that Buildbot has removed: any module of theirs, and any name in it, is accepted."""


def is_inner(module: str, name: str) -> bool:
    """Return whether Buildbot had such a name for itself."""
    names = INNER_NAMES.get(module, frozenset())
    if name in names or "*" in names:
        return True
    return is_removed(module) and not name.islower()


def is_removed(module: str) -> bool:
    """Return whether a module is, or was, of a package that Buildbot has removed."""
    return any(module == one or module.startswith(f"{one}.") for one in INNER_PACKAGES)
