// Show what a release of Grafana makes of panels and their frames: `node model.mjs FOLDER RELEASE`.
//
// FOLDER holds RELEASE.cjs, Grafana's code. Standard input is a JSON list of panels with their
// frames, as Grafana's server sends them, and with probes, which each number shows too. Standard
// output has what is shown in each theme: the panels' fields, their cells, and the colours of these.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [folder, release] = process.argv.slice(2);
const require = createRequire(join(resolve(folder), 'package.json'));
const isOld = release === 'grafana-data-10';
// Grafana takes its settings and the language from the browser. Release 10 reads `window` while it
// is imported; in a newer one, a dependency would then go on to draw.
if (isOld) globalThis.window = {};
const grafana = require(`./${release}.cjs`);
globalThis.window ??= {};
globalThis.navigator ??= { languages: ['en-US'] };
const tinycolor = require('tinycolor2');

// What Grafana's application registers. Grafana 13 loads a transformation when it is needed.
grafana.standardTransformersRegistry.setInit(() =>
  [...new Set(Object.values(grafana.standardTransformers))]
    .filter((found) => found.operator)
    .map((found) => ({ ...found, transformation: isOld ? found : async () => found }))
);
const STANDARD_OPTIONS =
  'displayName unit min max decimals thresholds mappings noValue links color filterable'.split(' ');

// Outside of links, no text has a variable in it.
const keep = (text) => text;

// What Grafana's application puts into a link, apart from the row's values.
const CHOSEN = {
  'datasource:queryparam': 'var-datasource=prom',
  'job:queryparam': 'var-job=seq&var-job=alone',
  __url_time_range: 'from=now-90d&to=now',
};
grafana.locationUtil.initialize({
  config: { appSubUrl: '' },
  getVariablesUrlParams: () => ({}),
  getTimeRangeForUrl: () => ({}),
});

/** Fill in a link's variables, as Grafana's application does: it encodes the values of a row. */
function fillLink(text, { __dataContext: context } = {}) {
  return text.replace(/\$\{([^}]+)\}/g, (variable, name) => {
    const [, label, form] = name.match(/^__data\.fields\.(\w+)(:percentencode)?$/) ?? [];
    if (!label) return CHOSEN[name] ?? variable;
    const { frame, rowIndex } = context.value;
    const value = String(grafana.getFieldDisplayValuesProxy({ frame, rowIndex })[label]);
    return form ? encodeURIComponent(value) : value;
  });
}

/** Return a panel whose overrides leave a mark on each field that they match. */
function markOverrides(panel) {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  const marked = overrides.map(({ matcher, properties }, number) => ({
    matcher,
    properties: [{ id: `custom.override${number}`, value: true }, ...properties],
  }));
  return { ...panel, fieldConfig: { defaults, overrides: marked } };
}

/** Return the options that a panel may set: the standard ones, and its own, which it uses. */
function listOptions({ fieldConfig: { defaults, overrides } }) {
  const used = overrides.flatMap((each) => each.properties.map(({ id }) => id));
  const custom = new Set(Object.keys(defaults.custom ?? {}).map((key) => `custom.${key}`));
  used.filter((id) => id.startsWith('custom.')).forEach((id) => custom.add(id));
  return new grafana.Registry(() =>
    [...STANDARD_OPTIONS, ...custom].map((id) => ({
      id,
      name: id,
      path: id.replace('custom.', ''),
      isCustom: custom.has(id),
      // A field remembers its name until this one forgets it; the others only check their values.
      process: grafana[`${id === 'displayName' ? id : 'identity'}OverrideProcessor`],
      shouldApply: () => true,
      settings: {},
    }))
  );
}

/** Return the settings of fields as they are after loading: the lowest step then has no limit. */
function restoreConfig(panel) {
  const plugin = {
    fieldConfigDefaults: { defaults: {}, overrides: [] },
    fieldConfigRegistry: listOptions(panel),
  };
  const loaded = { plugin, currentOptions: panel.options, currentFieldConfig: panel.fieldConfig };
  return grafana.getPanelOptionsWithDefaults({ ...loaded, isAfterPluginChange: false }).fieldConfig;
}

/** Return what shows a value on a colour, in its colour, or apart from it. */
function findPainting(panel, field) {
  const { colorMode = 'value', valueMode = 'color' } = panel.options ?? {};
  const kind = {
    table: field.custom?.cellOptions?.type?.replace('color-', ''),
    stat: colorMode.replace('background_solid', 'background').replace('value', 'text'),
    bargauge: valueMode === 'color' ? 'text' : 'none',
  };
  return kind[panel.type];
}

/** Return the colour of text on a background: this is a rule of @grafana/ui, utils/colors.ts. */
function findTextColor(background, isDark) {
  const color = tinycolor(background);
  const isLight = color.getAlpha() < 0.3 ? !isDark : color.getBrightness() > 180;
  return isLight ? 'rgb(32, 34, 38)' : 'rgb(247, 248, 250)';
}

/** Return the text of a displayed value, its contrast, and its colour if it is seen. */
function paint(shown, painting, theme) {
  const { text: plain, background } = theme.colors;
  const panel = background.primary;
  const text = grafana.formattedValueToString(shown);
  if (!['background', 'text'].includes(painting)) return { text, color: null, contrast: null };
  const color = tinycolor(shown.color);
  const alpha = color.getAlpha();
  // A transparent ground shows the panel.
  const solid = tinycolor.mix(panel, color.clone().setAlpha(1), 100 * alpha).toRgbString();
  const textColor = findTextColor(shown.color, theme.isDark);
  const [ink, ground] = painting === 'text' ? [shown.color, panel] : [textColor, solid];
  const contrast = grafana.colorManipulator.getContrastRatio(ink, ground, panel);
  const isPlain = alpha === 0 || tinycolor.equals(color, plain.primary);
  return { text, color: isPlain ? null : color.toHexString(), contrast };
}

/** Return the links of a field's cells, by row. */
function listLinks(field) {
  if (!field.config.links?.length) return [];
  const rows = [...field.values].map((_, valueRowIndex) => field.getLinks({ valueRowIndex }));
  return rows.map((links) => links.map(({ href, title }) => ({ href, title })));
}

/** Return a field: its names, its cells, and how other values would be shown. */
function describeField(field, frame, frames, panel, probes, theme) {
  const painting = findPainting(panel, field.config);
  const show = (value = null) => ({ value, ...paint(field.display(value), painting, theme) });
  const { thresholds, mappings = [], custom, unit = null } = field.config;
  const steps = (thresholds?.steps ?? []).slice(1).map((step) => step.value);
  const words = mappings.filter(({ type }) => type === 'value');
  const mapped = words.flatMap(({ options }) => Object.keys(options).map(Number));
  const isNumber = field.type === 'number';
  return {
    name: grafana.getFieldDisplayName(field, frame, frames),
    rawName: field.name,
    ref: frame.refId ?? null,
    type: field.type,
    unit,
    lowest: steps[0] ?? null,
    hasWords: mappings.length > 0,
    hidden: Boolean(custom?.hidden || custom?.hideFrom?.viz),
    cells: [...field.values].map(show),
    probes: isNumber ? probes.map(show) : [],
    limits: isNumber ? [...steps, ...mapped].map(show) : [],
    links: listLinks(field),
  };
}

/** Return what a stat or a bar gauge shows when there is no data: a text. */
function describeNoData(panel, context) {
  if (!['stat', 'bargauge'].includes(panel.type)) return [];
  const { reduceOptions } = panel.options;
  const values = grafana.getFieldDisplayValues({ ...context, data: [], reduceOptions });
  return values.map(({ display, field }) => ({
    value: null,
    ...paint(display, findPainting(panel, field), context.theme),
  }));
}

/** Return whether a panel shows its words for no value: two kinds complain of an empty frame. */
function isEmpty({ type }, frames) {
  const isStrict = type === 'heatmap' || type === 'state-timeline';
  return isStrict ? !frames.length : !frames.some((frame) => frame.fields.length);
}

async function describe({ panel: written, frames: sent, probes }, theme) {
  const panel = markOverrides(written);
  const received = sent.map((frame) => grafana.dataFrameFromJSON(frame));
  const { transformations = [] } = panel;
  const transformed = grafana.transformDataFrame(transformations, received, { interpolate: keep });
  const data = await new Promise((next, error) => transformed.subscribe({ next, error }));
  const fieldConfig = restoreConfig(panel);
  const context = { fieldConfig, theme, replaceVariables: fillLink, timeZone: 'utc' };
  const fieldConfigRegistry = listOptions(panel);
  const frames = grafana.applyFieldOverrides({ ...context, data, fieldConfigRegistry });
  const fields = frames.flatMap((frame) => frame.fields);
  const isUnmatched = (_, number) =>
    !fields.some(({ config }) => config.custom?.[`override${number}`]);
  return {
    words: isEmpty(panel, frames) ? fieldConfig.defaults.noValue : null,
    fields: frames.flatMap((frame) =>
      frame.fields.map((field) => describeField(field, frame, frames, panel, probes, theme))
    ),
    noData: describeNoData(panel, context),
    unmatched: fieldConfig.overrides.filter(isUnmatched).map(({ matcher }) => matcher.options),
  };
}

const panels = JSON.parse(readFileSync(0, 'utf8'));
const shown = {};
for (const mode of ['dark', 'light']) {
  const theme = grafana.createTheme({ colors: { mode } });
  shown[mode] = await Promise.all(panels.map((panel) => describe(panel, theme)));
}
process.stdout.write(JSON.stringify(shown));
