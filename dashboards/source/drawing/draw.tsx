// Draws the panels of one board with Grafana's own components, laid out as Grafana lays them out.
//
// A page calls `draw(board, frames, choices)`: the board's JSON, the frames that each panel's queries gave (by id), and
// language, zone and range. Everything between a frame and a figure on the screen (transformations, units, mappings,
// overrides, reduction) is Grafana's; what is ours is the order of the calls, and the grid. `read()` says what stands on
// the page then: reading.ts.
// Grafana's own typeface.
import '@fontsource/inter/400.css';
import '@fontsource/inter/500.css';
import React, { useLayoutEffect } from 'react';
import { createRoot } from 'react-dom/client';
import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  createTheme,
  dateTime,
  displayNameOverrideProcessor,
  FieldConfigOptionsRegistry,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
  identityOverrideProcessor,
  LoadingState,
  standardTransformers,
  standardTransformersRegistry,
  systemDateFormats,
  ThemeContext,
  thresholdsOverrideProcessor,
  toDataFrame,
  transformDataFrame,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
} from '@grafana/data';
import { BigValue, GlobalStyles, PanelChrome, Table, TimeSeries, VizRepeater } from '@grafana/ui';
import moment from 'moment';
import 'moment/locale/fr';
import { firstValueFrom } from 'rxjs';
import { Diverging, Heat, Timeline } from './own';
import { cutOff, read, watch } from './reading';

const themes: Record<string, any> = {
  dark: createTheme({ colors: { mode: 'dark', background: { canvas: '#0B1220', primary: '#0B1220', secondary: '#111a2c' } } } as any),
  light: createTheme({ colors: { mode: 'light' } }),
};
let theme = themes.dark;
const [ROW, GAP] = [30, 8];
const NARROW = 769; // pixels: Grafana's own limit
const TALL = 4000; // pixels of a table when all of its rows are to be read

standardTransformersRegistry.setInit(() =>
  ['mergeTransformer', 'sortByTransformer', 'filterFieldsByNameTransformer', 'organizeFieldsTransformer'].map((key) => {
    const transformation = (standardTransformers as any)[key];
    return { id: transformation.id, name: transformation.name, transformation: () => Promise.resolve(transformation), editor: () => null } as any;
  })
);

// The options of a field: those of every panel, and those that this panel's kind has of its own.
const SHARED: Array<[string, any]> = [
  ['displayName', displayNameOverrideProcessor],
  ['unit', unitOverrideProcessor],
  ['mappings', valueMappingsOverrideProcessor],
  ['thresholds', thresholdsOverrideProcessor],
  ...['decimals', 'min', 'max', 'color', 'noValue', 'links', 'filterable', 'description'].map((id) => [id, identityOverrideProcessor]),
] as any;

function registryFor(panel: any) {
  const given = panel.fieldConfig.overrides.flatMap((one: any) => one.properties.map((property: any) => property.id));
  const names = [...Object.keys(panel.fieldConfig.defaults.custom ?? {}), ...given.filter((id: string) => id.startsWith('custom.')).map((id: string) => id.slice(7))];
  const item = (id: string, path: string, process: any, isCustom: boolean) =>
    ({ id, path, name: id, isCustom, process, shouldApply: () => true, editor: null, override: null });
  return new FieldConfigOptionsRegistry(() => [
    ...SHARED.map(([id, process]) => item(id, id, process, false)),
    ...[...new Set(names)].map((name) => item(`custom.${name}`, name, identityOverrideProcessor, true)),
  ] as any);
}

const asItIs = ((text: string) => text) as any;

async function prepared(panel: any, frames: any[], choices: any) {
  const given = frames.filter((frame) => frame.fields.length).map((frame) => toDataFrame(frame));
  const data = await firstValueFrom(transformDataFrame(panel.transformations ?? [], given, { interpolate: asItIs } as any));
  const fieldConfigRegistry = registryFor(panel);
  // As Grafana's app does: JSON has no infinity.
  for (const step of panel.fieldConfig.defaults.thresholds?.steps ?? []) step.value ??= -Infinity;
  const made = applyFieldOverrides({ data, fieldConfig: panel.fieldConfig, fieldConfigRegistry, replaceVariables: asItIs, theme, timeZone: choices.zone });
  // As Grafana's app does: a colour by name is that of the shown name.
  cacheFieldDisplayNames(made);
  return made;
}

function Empty({ panel }: any) {
  return <div className="empty" style={{ fontSize: panel.options?.text?.valueSize ?? 24, textAlign: 'center', padding: 8 }}>{panel.fieldConfig.defaults.noValue}</div>;
}

function figures(panel: any, data: any[], choices: any) {
  const { fieldConfig, options } = panel;
  const sparkline = options.graphMode === 'area';
  return getFieldDisplayValues({ fieldConfig, reduceOptions: options.reduceOptions, replaceVariables: asItIs, theme, data, sparkline, timeZone: choices.zone });
}

function Stat({ panel, data, width, height, choices, theme }: any) {
  if (!data.length) return <Empty panel={panel} />;
  const { colorMode, graphMode, justifyMode, textMode, text, wideLayout, orientation } = panel.options;
  return (
    <VizRepeater
      source={data} getValues={() => figures(panel, data, choices)} getAlignmentFactors={getDisplayValueAlignmentFactors} width={width} height={height}
      itemSpacing={3} renderCounter={0} autoGrid orientation={orientation}
      renderValue={({ value, width, height, count, alignmentFactors }: any) => (
        <div data-figure>
          <BigValue
            value={value.display} sparkline={value.sparkline} width={width} height={height} theme={theme} count={count} colorMode={colorMode} graphMode={graphMode} justifyMode={justifyMode}
            textMode={textMode} text={text} alignmentFactors={alignmentFactors} disableWideLayout={!wideLayout}
          />
        </div>
      )}
    />
  );
}

function Watched({ builder, frame, number }: any) {
  useLayoutEffect(() => watch(builder, frame, number), [builder]);
  return null;
}

function Lines({ panel, data, width, height, choices }: any) {
  if (!data.length || !data[0].length) return <Empty panel={panel} />;
  const [from, to] = choices.range.map((at: number) => dateTime(at));
  return (
    <TimeSeries
      frames={data} structureRev={1} width={width} height={height} timeZone={choices.zone} timeRange={{ from, to, raw: { from, to } } as any}
      legend={panel.options.legend} options={panel.options} replaceVariables={asItIs}
    >
      {(builder: any, frame: any) => <Watched builder={builder} frame={frame} number={panel.id} />}
    </TimeSeries>
  );
}

function Body(props: any) {
  const { panel, data, width, height, choices } = props;
  switch (panel.type) {
    case 'stat': return <Stat {...props} />;
    case 'timeseries': return <Lines {...props} />;
    case 'heatmap': return data.length ? <Heat {...props} /> : <Empty panel={panel} />;
    case 'barchart': return data.length && data[0].length ? <Diverging {...props} /> : <Empty panel={panel} />;
    case 'state-timeline': return data.length ? <Timeline {...props} /> : <Empty panel={panel} />;
    case 'table':
      if (!data.length || !data[0].length) return <Empty panel={panel} />;
      return <Table data={data[0]} width={width} height={choices.tall ? TALL : height} cellHeight={panel.options.cellHeight} fieldConfig={panel.fieldConfig} timeRange={undefined as any} />;
  }
  return <div data-undrawn>{panel.type}</div>;
}

// On a narrow screen Grafana puts one panel below the other.
function stacked(panels: any[]) {
  let y = 0;
  return panels.map((panel) => {
    const gridPos = { ...panel.gridPos, x: 0, y, w: 24 };
    y += panel.gridPos.h;
    return { ...panel, gridPos };
  });
}

function Placed({ panel, data, choices }: any) {
  const column = (window.innerWidth + GAP) / 24;
  const { x, y, w, h } = panel.gridPos;
  const [width, height] = [w * column - GAP, h * (ROW + GAP) - GAP];
  return (
    <div data-panel={panel.id} data-kind={panel.type} style={{ position: 'absolute', left: x * column, top: y * (ROW + GAP), width, height }}>
      <PanelChrome title={panel.title} description={panel.description} width={width} height={height} loadingState={LoadingState.Done}>
        {(innerWidth: number, innerHeight: number) => <Body panel={panel} data={data} width={innerWidth} height={innerHeight} choices={choices} theme={theme} />}
      </PanelChrome>
    </div>
  );
}

// Until nothing changes on the page for a tenth of a second: a busy machine draws in several steps.
async function settled(page: HTMLElement) {
  let before = '';
  do {
    before = page.innerHTML;
    await new Promise((done) => setTimeout(done, 100));
    await new Promise((done) => requestAnimationFrame(done));
  } while (before !== page.innerHTML);
}

let [root, last]: [any, any] = [null, null];

async function draw(board: any, frames: Record<string, any[]>, choices: any) {
  // A text is sized by the font that it is measured with: no load may end later, well or not.
  moment.locale(choices.lang === 'fr' ? 'fr' : 'en');
  // As a browser of that language writes them: docker-compose.yml sets `use_browser_locale`.
  const day = choices.lang === 'fr' ? 'DD/MM' : 'MM/DD';
  Object.assign(systemDateFormats.interval, { day, hour: `${day} HH:mm` });
  await Promise.allSettled([400, 500].map((weight) => document.fonts.load(`${weight} 14px Inter`)));
  theme = themes[choices.theme];
  document.body.style.background = theme.colors.background.canvas;
  const panels = window.innerWidth < NARROW ? stacked(board.panels) : board.panels;
  const made = await Promise.all(panels.map(async (panel: any) => ({ panel, data: await prepared(panel, frames[panel.id] ?? [], choices) })));
  const bottom = Math.max(...panels.map((panel: any) => panel.gridPos.y + panel.gridPos.h));
  const page = document.getElementById('page')!;
  page.style.height = `${bottom * (ROW + GAP)}px`;
  root?.unmount();
  root = createRoot(page);
  last = [board, frames, choices];
  root.render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      {made.map(({ panel, data }) => <Placed key={panel.id} panel={panel} data={data} choices={choices} />)}
    </ThemeContext.Provider>
  );
  await settled(page);
}

// Tables as tall as their rows: what is scrolled out is not on the page.
const tall = () => draw(last[0], last[1], { ...last[2], tall: true });

Object.assign(window, { draw, tall, read, cutOff });
