import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  GraphGradientMode,
  GraphThresholdsStyleMode,
  GraphThresholdsStyleConfigBuilder,
  LegendDisplayMode,
  LegendPlacement,
  BigValueColorMode,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
  VisibilityMode,
} from '@grafana/grafana-foundation-sdk/common';
import { ThresholdsConfigBuilder, ThresholdsMode, type Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as HeatmapBuilder, YAxisConfigBuilder } from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { PROMETHEUS } from './variables.js';

/** One curve or number: an expression, and how its series are called (`{{label}}` is the label's value). */
export interface Query {
  readonly expr: string;
  readonly legend?: string;
}

/** What every panel has. `about` is shown at the panel's corner: what the numbers mean. `width` of 24 columns. */
interface Shown {
  readonly title: string;
  readonly about: string;
  readonly unit: string;
  readonly width: number;
  readonly queries: readonly Query[];
  /** From this value on the colour is that one; below the first, green. In the order of the values. */
  readonly from?: readonly (readonly [value: number, color: Color])[];
  readonly min?: number;
  readonly max?: number;
}

type Color = 'red' | 'orange' | 'green' | 'blue';

const GRAPH_HEIGHT = 8;
const NUMBER_HEIGHT = 4;

/** What a graph can have beside: values added up, one above the other. */
export interface Graph extends Shown {
  readonly isStacked?: boolean;
}

/** Curves over time. */
export function graph({ isStacked = false, ...shown }: Graph): Builder<Panel> {
  const panel = new TimeSeriesBuilder()
    .lineWidth(1)
    .fillOpacity(isStacked ? 40 : 8)
    .gradientMode(GraphGradientMode.None)
    .showPoints(VisibilityMode.Never)
    .legend(new VizLegendOptionsBuilder().displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom).showLegend(true))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .height(GRAPH_HEIGHT);
  if (isStacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (shown.from) panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  return filled(panel, shown);
}

/** The latest value, large. Without `from` it has no colour. */
export function number(shown: Shown): Builder<Panel> {
  const panel = new StatBuilder()
    .colorMode(shown.from ? BigValueColorMode.Value : BigValueColorMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .height(NUMBER_HEIGHT);
  return filled(panel, shown);
}

/** How the values of a histogram are spread, over time. The query sums buckets by `le`. */
export function heatmap(shown: Shown): Builder<Panel> {
  const panel = new HeatmapBuilder().calculate(false).cellGap(1).showValue(VisibilityMode.Never).height(GRAPH_HEIGHT);
  return filled(panel.yAxis(new YAxisConfigBuilder().unit(shown.unit)), shown, PromQueryFormat.Heatmap);
}

type Filled = TimeSeriesBuilder | StatBuilder | HeatmapBuilder;

function filled(panel: Filled, { title, about, unit, width, queries, from, min, max }: Shown, format?: PromQueryFormat): Builder<Panel> {
  panel.title(title).description(about).unit(unit).span(width).datasource(PROMETHEUS);
  if (min !== undefined) panel.min(min);
  if (max !== undefined) panel.max(max);
  if (from) panel.thresholds(thresholds(from));
  for (const [index, query] of queries.entries()) panel.withTarget(target(query, index, format));
  return panel;
}

function thresholds(from: NonNullable<Shown['from']>): ThresholdsConfigBuilder {
  const steps = from.map(([value, color]) => ({ value, color }));
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([{ value: null, color: 'green' }, ...steps]);
}

function target({ expr, legend = '__auto' }: Query, index: number, format = PromQueryFormat.TimeSeries): DataqueryBuilder {
  const refId = String.fromCodePoint('A'.codePointAt(0)! + index);
  return new DataqueryBuilder().refId(refId).datasource(PROMETHEUS).expr(expr).legendFormat(legend).format(format).range();
}
