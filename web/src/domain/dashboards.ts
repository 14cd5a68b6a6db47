/** Dashboards: pages that master.cfg adds to the site (`wsgi_dashboards`). */

export interface Dashboard {
  name: string;
  caption: string;
}

/** The dashboards in the settings of plug-ins, in their order; what is not one is left out. */
export function dashboardsIn(plugins: Readonly<Record<string, unknown>> | undefined): Dashboard[] {
  const given = plugins?.wsgi_dashboards;
  if (!Array.isArray(given)) return [];
  return given
    .filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null && typeof one.name === 'string')
    .toSorted((one, other) => orderOf(one) - orderOf(other))
    .map(({ name, caption }) => ({
      name: String(name),
      caption: typeof caption === 'string' && caption !== '' ? caption : String(name),
    }));
}

const orderOf = ({ order }: Record<string, unknown>): number => (typeof order === 'number' ? order : Number.POSITIVE_INFINITY);
