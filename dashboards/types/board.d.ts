// What the dashboard's JSON must be, in Grafana's own published types.

import type { AnnotationQuery, Dashboard, DashboardLink, DataSourceRef, FieldConfig, Panel, VariableModel } from "@grafana/schema";
import type * as bargauge from "@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
import type { Dataquery } from "@grafana/grafana-foundation-sdk/prometheus";

// JSON has an enumeration's values, TypeScript its members: both are the same text.
type Json<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends (infer U)[]
      ? Json<U>[]
      : T extends object
        ? { [K in keyof T]: Json<T[K]> }
        : T;

type Target = Omit<Dataquery, "_implementsDataqueryVariant" | "datasource"> & { refId: string; datasource: DataSourceRef };

// The schema leaves `options` and `custom` open; each kind of panel has its own. It asks of a panel's
// links what only the dashboard's have.
type PanelOf<Kind extends string, Options, Custom> = Omit<Panel, "type" | "options" | "fieldConfig" | "targets" | "links"> & {
  id: number;
  type: Kind;
  links: Pick<DashboardLink, "title" | "url" | "targetBlank">[];
  options: Options;
  fieldConfig: Omit<NonNullable<Panel["fieldConfig"]>, "defaults"> & {
    defaults: Omit<FieldConfig, "custom"> & { custom?: Custom };
  };
  targets: Target[];
};

type Row = { id: number; type: "row"; title: string; collapsed: boolean; gridPos: NonNullable<Panel["gridPos"]>; panels: never[] };

type AnyPanel =
  | Row
  | PanelOf<"stat", stat.Options, never>
  | PanelOf<"bargauge", bargauge.Options, never>
  | PanelOf<"table", table.Options, table.FieldConfig>
  | PanelOf<"timeseries", timeseries.Options, timeseries.FieldConfig>;

// The data source's own fields, which the schema does not have.
type Annotation = Omit<AnnotationQuery, "target"> & {
  target?: Pick<Dataquery, "refId" | "expr" | "interval">;
  titleFormat?: string;
  textFormat?: string;
  tagKeys?: string;
};

type Variable = Omit<VariableModel, "query"> & {
  query: string | { qryType: number; query: string; refId: string };
  definition?: string;
};

export type Board = Json<
  Omit<Dashboard, "panels" | "annotations" | "templating"> & {
    panels: AnyPanel[];
    annotations: { list: Annotation[] };
    templating: { list: Variable[] };
  }
>;
