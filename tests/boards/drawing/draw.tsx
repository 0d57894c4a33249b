// Draws the panels of one board with Grafana's own components, laid out as Grafana lays them out.
//
// A page calls `draw(board, frames, choices)`: the board's JSON, the frames that each panel's queries gave (by id), and
// language, zone and range. Everything between a frame and a figure on the screen (transformations, units, mappings,
// overrides, reduction) is Grafana's; what is ours is the order of the calls, and the grid.
import React from 'react';
import { createRoot } from 'react-dom/client';
import {
  applyFieldOverrides,
  createTheme,
  dateTime,
  displayNameOverrideProcessor,
  FieldConfigOptionsRegistry,
  getDisplayProcessor,
  getFieldDisplayValues,
  identityOverrideProcessor,
  LoadingState,
  standardTransformers,
  standardTransformersRegistry,
  ThemeContext,
  toDataFrame,
  transformDataFrame,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
} from '@grafana/data';
import { BarGauge, BigValue, PanelChrome, Table, TimeSeries } from '@grafana/ui';
import { GlobalStyles } from '@grafana/ui';
import { firstValueFrom } from 'rxjs';

const theme = createTheme({ colors: { mode: 'dark', background: { canvas: '#0B1220', primary: '#0B1220', secondary: '#111a2c' } } } as any);
const [ROW, GAP] = [30, 8];

standardTransformersRegistry.setInit(() =>
  ['mergeTransformer', 'filterFieldsByNameTransformer', 'organizeFieldsTransformer'].map((key) => {
    const transformation = (standardTransformers as any)[key];
    return { id: transformation.id, name: transformation.name, transformation, editor: () => null } as any;
  })
);

// The options of a field that our boards set; the app has more.
const registry = new FieldConfigOptionsRegistry(() => {
  const plain: Array<[string, any]> = [
    ['displayName', displayNameOverrideProcessor],
    ['unit', unitOverrideProcessor],
    ['decimals', identityOverrideProcessor],
    ['mappings', valueMappingsOverrideProcessor],
    ['color', identityOverrideProcessor],
    ['noValue', identityOverrideProcessor],
    ['links', identityOverrideProcessor],
  ];
  const own = ['hidden', 'width', 'cellOptions', 'drawStyle', 'lineWidth', 'fillOpacity', 'showPoints', 'stacking'];
  const options = plain.map(([id, process]) => ({ id, path: id, name: id, process, shouldApply: () => true, editor: null, override: null }));
  const customs = own.map((id) => ({
    id: `custom.${id}`, path: id, name: id, isCustom: true, process: identityOverrideProcessor, shouldApply: () => true, editor: null, override: null,
  }));
  return [...options, ...customs] as any;
});

async function prepared(panel: any, frames: any[], choices: any) {
  const given = frames.filter((frame) => frame.fields.length).map((frame) => toDataFrame(frame));
  const replace = (text: string) => text;
  const transformed = await firstValueFrom(transformDataFrame(panel.transformations ?? [], given, { interpolate: replace } as any));
  return applyFieldOverrides({
    data: transformed,
    fieldConfig: panel.fieldConfig,
    fieldConfigRegistry: registry,
    replaceVariables: replace as any,
    theme,
    timeZone: choices.zone,
  });
}

function Empty({ panel }: any) {
  return <div className="empty" style={{ fontSize: panel.options?.text?.valueSize ?? 14, textAlign: 'center', padding: 8 }}>{panel.fieldConfig.defaults.noValue}</div>;
}

function figures(panel: any, data: any[], choices: any) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: ((text: string) => text) as any,
    theme,
    data,
    timeZone: choices.zone,
  });
}

function Stat({ panel, data, width, height, choices }: any) {
  const values = figures(panel, data, choices);
  if (!data.length) return <Empty panel={panel} />;
  const each = width / values.length;
  return (
    <div style={{ display: 'flex' }}>
      {values.map((value: any, n: number) => (
        <div key={n} data-figure={value.display.title ?? ''}>
          <BigValue
            value={value.display} width={each} height={height} theme={theme} count={values.length}
            colorMode={panel.options.colorMode} graphMode={panel.options.graphMode} justifyMode={panel.options.justifyMode}
            textMode={panel.options.textMode === 'auto' ? (values.length > 1 ? 'value_and_name' : 'value') : panel.options.textMode}
            text={panel.options.text}
          />
        </div>
      ))}
    </div>
  );
}

function Bars({ panel, data, width, height, choices }: any) {
  if (!data.length || !data[0].length) return <Empty panel={panel} />;
  const values = figures(panel, data, choices);
  const each = Math.min(panel.options.maxVizHeight, (height - 8 * values.length) / values.length);
  const most = Math.max(...values.map((value: any) => value.display.numeric));
  return (
    <div>
      {values.map((value: any, n: number) => (
        <div key={n} style={{ marginBottom: 8 }}>
          <BarGauge
            value={value.display} field={{ ...value.field, min: 0, max: most }} display={value.view ? getDisplayProcessor({ field: value.view.dataFrame.fields[value.colIndex], theme, timeZone: choices.zone }) : undefined}
            width={width} height={each} theme={theme} orientation={panel.options.orientation} displayMode={panel.options.displayMode}
            valueDisplayMode={panel.options.valueMode} namePlacement={panel.options.namePlacement} showUnfilled={panel.options.showUnfilled}
            itemSpacing={8} lcdCellWidth={12} alignmentFactors={{ title: values.reduce((a: string, v: any) => (v.display.title.length > a.length ? v.display.title : a), ''), text: value.display.text } as any}
          />
        </div>
      ))}
    </div>
  );
}

function Lines({ panel, data, width, height, choices }: any) {
  if (!data.length || !data[0].length) return <Empty panel={panel} />;
  const [from, to] = choices.range.map((at: number) => dateTime(at));
  return (
    <TimeSeries
      frames={data} structureRev={1} width={width} height={height} timeZone={choices.zone} timeRange={{ from, to, raw: { from, to } } as any}
      legend={panel.options.legend} options={panel.options} replaceVariables={((text: string) => text) as any}
    />
  );
}

function Body(props: any) {
  const { panel, data, width, height } = props;
  switch (panel.type) {
    case 'stat': return <Stat {...props} />;
    case 'bargauge': return <Bars {...props} />;
    case 'timeseries': return <Lines {...props} />;
    case 'table':
      return data.length && data[0].length ? <Table data={data[0]} width={width} height={height} timeRange={undefined as any} /> : <Empty panel={panel} />;
  }
  return <div>{panel.type}</div>;
}

async function draw(board: any, frames: Record<string, any[]>, choices: any) {
  const made = await Promise.all(board.panels.map(async (panel: any) => ({ panel, data: await prepared(panel, frames[panel.id] ?? [], choices) })));
  const column = (window.innerWidth + GAP) / 24;
  const bottom = Math.max(...board.panels.map((panel: any) => panel.gridPos.y + panel.gridPos.h));
  const page = document.getElementById('page')!;
  page.style.height = `${bottom * (ROW + GAP)}px`;
  createRoot(page).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      {made.map(({ panel, data }) => {
        const { x, y, w, h } = panel.gridPos;
        const [width, height] = [w * column - GAP, h * (ROW + GAP) - GAP];
        return (
          <div key={panel.id} data-panel={panel.id} data-kind={panel.type} style={{ position: 'absolute', left: x * column, top: y * (ROW + GAP), width, height }}>
            <PanelChrome title={panel.title} description={panel.description} width={width} height={height} loadingState={LoadingState.Done}>
              {(innerWidth: number, innerHeight: number) => <Body panel={panel} data={data} width={innerWidth} height={innerHeight} choices={choices} />}
            </PanelChrome>
          </div>
        );
      })}
    </ThemeContext.Provider>
  );
}

(window as any).draw = (...given: [any, any, any]) => draw(...given).catch((why) => { (window as any).fault = String(why?.stack ?? why); });
