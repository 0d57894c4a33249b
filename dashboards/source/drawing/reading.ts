// What stands on the page: texts as people see them, and of a curve what was given to the canvas and
// whether its colour is there.
import { getFieldDisplayName } from '@grafana/data';

const plots = new Map<number, { plot: any; frame: any; axis: string[] }>();

// A canvas keeps no text: each is noted as it is drawn.
const told = new WeakMap<HTMLCanvasElement, string[]>();
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text: string, ...place: any) {
  told.get(this.canvas as HTMLCanvasElement)?.push(text);
  return (fillText as any).call(this, text, ...place);
};

export function watch(builder: any, frame: any, number: number) {
  builder.addHook('init', (plot: any) => plots.set(number, { plot, frame, axis: [] }));
  builder.addHook('drawClear', (plot: any) => told.set(plot.ctx.canvas, []));
}

const textOf = (element: Element | null | undefined) => (element?.textContent ?? '').trim();

function stat(place: Element) {
  return [...place.querySelectorAll('[data-figure]')].map((figure) => {
    const within = figure.firstElementChild!.firstElementChild!;
    const parts = [...within.children];
    return { name: parts.length > 1 ? textOf(parts[0]) : '', value: textOf(parts[parts.length - 1]) };
  });
}

function table(place: Element) {
  const header = [...place.querySelectorAll('[role=columnheader]')].map(textOf);
  const rows = [...place.querySelectorAll('[role=row]')].filter((row) => row.querySelector('[role=cell]'));
  return { header, rows: rows.map((row) => [...row.querySelectorAll('[role=cell]')].map(textOf)) };
}

function near(one: Uint8ClampedArray, at: number, colour: number[]) {
  return [0, 1, 2].every((n) => Math.abs(one[at + n] - colour[n]) < 60) && one[at + 3] > 100;
}

// Is the series' own colour within two pixels of where the point must be?
function isDrawn(plot: any, x: number, y: number, colour: number[]) {
  const { data } = plot.ctx.getImageData(Math.round(x) - 2, Math.round(y) - 2, 5, 5);
  for (let at = 0; at < data.length; at += 4) if (near(data, at, colour)) return true;
  return false;
}

function rgb(text: string) {
  const painted = document.createElement('canvas').getContext('2d')!;
  painted.fillStyle = text;
  painted.fillRect(0, 0, 1, 1);
  return [...painted.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

function timeseries(place: Element, number: number) {
  const found = plots.get(number);
  if (!found) return null;
  const { plot, frame } = found;
  const buttons = [...place.querySelectorAll('button[aria-label], [class*=LegendLabel], [data-testid*="legend" i] button')].map(textOf);
  const series = plot.series.slice(1).map((one: any, n: number) => {
    const colour = rgb(typeof one.stroke === 'function' ? one.stroke(plot, n + 1) : one.stroke);
    const under = one.scale;
    const points = plot.data[0].map((at: number, i: number) => {
      const value = plot.data[n + 1][i];
      const isWithin = at >= plot.scales.x.min && at <= plot.scales.x.max;
      if (value === null || value === undefined) return [at, null, false, isWithin];
      const place = [plot.valToPos(at, 'x', true), plot.valToPos(value, under, true)];
      return [at, value, isDrawn(plot, place[0], place[1], colour), isWithin];
    });
    const field = frame.fields[n + 1];
    return { name: getFieldDisplayName(field, frame), points, given: [...field.values], stacked: field.config.custom?.stacking?.mode !== 'none', least: plot.scales[under].min };
  });
  return { legend: [...new Set(buttons.filter(Boolean))], series, axis: told.get(plot.ctx.canvas) ?? [] };
}

export function read() {
  return [...document.querySelectorAll('[data-panel]')].map((place) => {
    const [number, kind] = [Number(place.getAttribute('data-panel')), place.getAttribute('data-kind')!];
    const empty = place.querySelector('.empty');
    const readers: Record<string, (place: Element, number: number) => any> = { stat, table, timeseries };
    return { number, kind, empty: empty ? textOf(empty) : null, shown: empty ? null : readers[kind]?.(place, number) ?? null };
  });
}

// Texts that do not fit where they stand: cut at a side by "…" or an edge, or below an edge. What a table shows when one
// scrolls down is told as "scrolled".
export function cutOff() {
  const found: Array<{ number: number; text: string; how: string }> = [];
  for (const place of document.querySelectorAll('[data-panel]')) {
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.textContent!.trim();
      const how = text && cut(walker.currentNode, place);
      if (how) found.push({ number: Number(place.getAttribute('data-panel')), text, how });
    }
  }
  return found;
}

function cut(node: Node, place: Element) {
  const range = document.createRange();
  range.selectNodeContents(node);
  const box = range.getBoundingClientRect();
  let found = '';
  for (let e = node.parentElement; e; e = e === place ? null : e.parentElement) {
    const [style, edge] = [getComputedStyle(e), e.getBoundingClientRect()];
    const isEdge = e === place || style.overflowX !== 'visible' || style.overflowY !== 'visible';
    if (isEdge && (box.right > edge.right + 1 || box.left < edge.left - 1)) return 'at a side';
    if (isEdge && box.bottom > edge.bottom + 3) found ||= ['auto', 'scroll'].includes(style.overflowY) ? 'scrolled' : 'below';
  }
  return found;
}
