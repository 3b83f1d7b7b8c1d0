import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';
import { DatasourceVariableBuilder, QueryVariableBuilder, VariableRefresh } from '@grafana/grafana-foundation-sdk/dashboard';

/** The uid of the datasource in deploy/grafana/provisioning, which the dashboards choose first. */
export const DATASOURCE_UID = 'inferometer-prometheus';
/** The datasource that is chosen at the top of the dashboard. */
export const PROMETHEUS: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

/** Which Prometheus to ask. */
export function datasourceVariable(): DatasourceVariableBuilder {
  return new DatasourceVariableBuilder('datasource')
    .label('Prometheus')
    .type('prometheus')
    .current({ text: 'Inferometer', value: DATASOURCE_UID, selected: true });
}

/** The values of a label of a metric, of which any number can be chosen; at first all. For use with `=~`. */
export function anyOf(name: string, label: string, selector: string): QueryVariableBuilder {
  return variableOf(name, label, selector)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ text: 'All', value: '$__all', selected: true });
}

/** The values of a label of a metric, of which one is chosen. For use with `=`. */
export function oneOf(name: string, label: string, selector: string): QueryVariableBuilder {
  return variableOf(name, label, selector).multi(false).includeAll(false);
}

function variableOf(name: string, label: string, selector: string): QueryVariableBuilder {
  const query = `label_values(${selector}, ${label})`;
  return new QueryVariableBuilder(name)
    .label(name[0]!.toUpperCase() + name.slice(1))
    .datasource(PROMETHEUS)
    .query({ query, refId: `variable-${name}` })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged);
}
