import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  RowBuilder,
  type Dashboard,
  type Panel,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { datasourceVariable } from './variables.js';

/** A dashboard before it is laid out. */
export interface Plan {
  /** The last part of its uid and the name of its file. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly variables: readonly Builder<VariableModel>[];
  /** The panels of a row are as high as one another and fill 24 columns, or several lines of 24. */
  readonly rows: readonly { readonly title: string; readonly panels: readonly Builder<Panel>[] }[];
}

const TAG = 'inferometer';

/** The dashboard as Grafana reads it: rows below one another, panels from left to right, numbered from 1. */
export function dashboardOf({ name, title, about, variables, rows }: Plan): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(`inferometer-${name}`)
    .description(about)
    .tags([TAG])
    .editable()
    .refresh('10s')
    .time({ from: 'now-30m', to: 'now' })
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(otherDashboards())
    .annotation(notes())
    .variables([datasourceVariable(), ...variables]);
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(panel);
  }
  const dashboard = builder.build();
  return { ...dashboard, panels: (dashboard.panels ?? []).map((panel, index) => ({ ...panel, id: index + 1 })) };
}

function otherDashboards(): DashboardLinkBuilder {
  return new DashboardLinkBuilder('Inferometer')
    .type(DashboardLinkType.Dashboards)
    .tags([TAG])
    .asDropdown(true)
    .keepTime(true)
    .includeVars(true);
}

/** The notes that people make in Grafana itself. */
function notes(): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name('Annotations & Alerts')
    .datasource({ type: 'grafana', uid: '-- Grafana --' })
    .builtIn(1)
    .enable(true)
    .hide(true)
    .iconColor('rgba(0, 211, 255, 1)')
    .type('dashboard');
}
