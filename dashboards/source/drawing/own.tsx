// Three kinds of panels that @grafana/ui does not have: they are in Grafana's app. What is drawn here has their colours,
// axes and words, and is ours. It is for the pictures; the tests compare the rows of these panels, not the drawing.
import { dateTimeFormat, getFieldDisplayName } from '@grafana/data';
import React from 'react';

const HOUR = 3600000;
const HALF_A_LABEL = 26; // px; a label that would not fit at the right edge is left out

function clock(at: number, choices: any, isDay: boolean) {
  return dateTimeFormat(at, { timeZone: choices.zone, format: isDay ? 'ddd D' : choices.lang === 'fr' ? 'H [h]' : 'h a' });
}

function Axis({ from, to, left, right, top, bottom, choices, theme }: any) {
  const length = to - from;
  const most = Math.max(2, (right - left) / 60);
  const step = [1, 2, 3, 6, 12, 24, 48, 120].map((n) => n * HOUR).find((one) => length / one <= Math.min(most, 12)) ?? 240 * HOUR;
  // Midnight where the ministry is.
  const first = dateTimeFormat(from, { timeZone: choices.zone, format: 'YYYY-MM-DDT00:00:00.000ZZ' });
  const marks = [];
  for (let at = new Date(first).getTime(); at <= to; at += step) if (at >= from) marks.push(at);
  const x = (at: number) => left + ((at - from) / length) * (right - left);
  return (
    <g fontSize={12} fill={theme.colors.text.secondary}>
      {marks.map((at) => (
        <g key={at}>
          <line x1={x(at)} x2={x(at)} y1={top} y2={bottom} stroke={theme.colors.border.weak} />
          {x(at) <= right - HALF_A_LABEL + 8 && <text x={x(at)} y={bottom + 16} textAnchor="middle">{clock(at, choices, step >= 24 * HOUR)}</text>}
        </g>
      ))}
    </g>
  );
}

// Each frame is a row: the lowest bucket at the bottom.
export function Heat({ panel, data, width, height, choices, theme }: any) {
  const [from, to] = choices.range;
  const rows = data.map((frame: any) => {
    const value = frame.fields.find((field: any) => field.type === 'number');
    return { name: getFieldDisplayName(value, frame, data), times: [...frame.fields[0].values], values: [...value.values] };
  });
  const times = rows[0].times;
  const step = times.length > 1 ? Math.min(...times.slice(1).map((at: number, n: number) => at - times[n])) : HOUR;
  const most = Math.max(1, ...rows.flatMap((row: any) => row.values));
  const [left, right, top, bottom] = [44, width - 8, 4, height - 24];
  const tall = (bottom - top) / rows.length;
  const x = (at: number) => left + ((at - from) / (to - from)) * (right - left);
  return (
    <svg width={width} height={height}>
      <Axis from={from} to={to} left={left} right={right} top={top} bottom={bottom} choices={choices} theme={theme} />
      {rows.map((row: any, n: number) => (
        <g key={row.name}>
          <text x={left - 8} y={bottom - tall * (n + 0.5) + 4} fontSize={12} fill={theme.colors.text.secondary} textAnchor="end">{row.name.replace('.0', '')}</text>
          {row.values.map((value: number, i: number) => value > 0 && row.times[i] - step >= from && (
            <rect key={i} x={x(row.times[i] - step)} y={bottom - tall * (n + 1) + 0.5} width={Math.max(x(from + step) - left - 0.5, 1)} height={tall - 1}
              fill={panel.options.color.fill} opacity={0.15 + 0.85 * Math.sqrt(value / most)} />
          ))}
        </g>
      ))}
    </svg>
  );
}

// A bar a row, from zero to the left or to the right.
export function Diverging({ panel, data, width, height, theme }: any) {
  const [frame] = data;
  const names = frame.fields.find((field: any) => field.type === 'string');
  const values = frame.fields.find((field: any) => field.type === 'number');
  const most = panel.fieldConfig.defaults.max ?? Math.max(1, ...[...values.values].map((value: any) => Math.abs(value ?? 0)));
  // Beside the longest bar there is room for its number.
  const [left, right, beside] = [Math.min(width * 0.45, 440), width - 8, Math.min(90, width * 0.2)];
  const zero = (left + right) / 2;
  const tall = Math.min(height / frame.length, 46);
  return (
    <svg width={width} height={height}>
      <line x1={zero} x2={zero} y1={0} y2={tall * frame.length} stroke={theme.colors.text.primary} />
      {[...values.values].map((value: any, n: number) => {
        const long = (Math.max(-most, Math.min(most, value ?? 0)) / most) * (right - beside - zero);
        const shown = value === null || value === undefined ? '—' : [values.display(value).text, values.display(value).suffix].join('');
        const at = value === null || value === undefined ? zero + 8 : value < 0 ? zero + long - 6 : zero + long + 6;
        return (
          <g key={n} fontSize={13}>
            <text x={left - 12} y={tall * (n + 0.5) + 4} fill={theme.colors.text.primary} textAnchor="end">{names.values[n]}</text>
            <rect x={Math.min(zero, zero + long)} y={tall * (n + 0.2)} width={Math.abs(long)} height={tall * 0.6} fill={values.display(value).color} opacity={0.9} />
            <text x={at} y={tall * (n + 0.5) + 4} fill={value == null ? theme.colors.text.secondary : theme.colors.text.primary} textAnchor={value < 0 ? 'end' : 'start'}>{shown}</text>
          </g>
        );
      })}
    </svg>
  );
}

// A row a series: its states over time, each named once in the legend.
export function Timeline({ data, width, height, choices, theme }: any) {
  const [from, to] = choices.range;
  const [left, right, top, bottom] = [Math.min(250, width * 0.45), width - 8, 4, height - 50];
  const tall = (bottom - top) / data.length;
  const x = (at: number) => left + ((at - from) / (to - from)) * (right - left);
  const known = new Map<string, string>();
  const apart = Math.min(150, width / 4);
  const rows = data.map((frame: any, n: number) => {
    const value = frame.fields.find((field: any) => field.type === 'number');
    const times = frame.fields[0].values;
    const spans = [];
    for (let i = 0; i < times.length; i++) {
      const told = value.display(value.values[i]);
      known.set(told.text, told.color);
      const last = spans[spans.length - 1];
      const end = i + 1 < times.length ? times[i + 1] : to;
      if (last && last.text === told.text) last.end = end;
      else spans.push({ text: told.text, color: told.color, begin: times[i], end });
    }
    return { name: getFieldDisplayName(value, frame, data), spans, n };
  });
  return (
    <svg width={width} height={height} fontSize={12}>
      <Axis from={from} to={to} left={left} right={right} top={top} bottom={bottom} choices={choices} theme={theme} />
      {rows.map((row: any) => (
        <g key={row.n}>
          <text x={left - 10} y={top + tall * (row.n + 0.5) + 4} fill={theme.colors.text.primary} textAnchor="end">{row.name}</text>
          {row.spans.map((span: any, i: number) => (
            <rect key={i} x={x(Math.max(span.begin, from))} y={top + tall * (row.n + 0.1)} width={Math.max(x(span.end) - x(Math.max(span.begin, from)), 1)}
              height={tall * 0.8} fill={span.color} opacity={0.9} />
          ))}
        </g>
      ))}
      {[...known].map(([text, color], n) => (
        <g key={text}>
          <rect x={8 + n * apart} y={height - 18} width={14} height={6} fill={color} />
          <text x={8 + n * apart + 20} y={height - 10} fill={theme.colors.text.primary}>{text}</text>
        </g>
      ))}
    </svg>
  );
}
