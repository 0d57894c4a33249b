// callmon's alerts, recording rules and boards as a mixin. They are read from the YAML and JSON that ship beside this
// folder, so there is one source. Recording rules that alerts need stand in the alerts' group: Prometheus evaluates a
// group in order, so each alert sees what was recorded just before it.

local shipped = {
  alerts: importstr '../prometheus/callmon.rules.yml',
  boardRules: importstr '../prometheus/boards.rules.yml',
  boards: {
    en: {
      'callmon-callbacks-en.json': importstr '../grafana/en/callbacks.json',
      'callmon-calls-en.json': importstr '../grafana/en/calls.json',
      'callmon-disruptions-en.json': importstr '../grafana/en/disruptions.json',
      'callmon-itself-en.json': importstr '../grafana/en/itself.json',
      'callmon-live-en.json': importstr '../grafana/en/live.json',
      'callmon-parity-en.json': importstr '../grafana/en/parity.json',
      'callmon-planning-en.json': importstr '../grafana/en/planning.json',
      'callmon-standards-en.json': importstr '../grafana/en/standards.json',
    },
    fr: {
      'callmon-callbacks-fr.json': importstr '../grafana/fr/callbacks.json',
      'callmon-calls-fr.json': importstr '../grafana/fr/calls.json',
      'callmon-disruptions-fr.json': importstr '../grafana/fr/disruptions.json',
      'callmon-itself-fr.json': importstr '../grafana/fr/itself.json',
      'callmon-live-fr.json': importstr '../grafana/fr/live.json',
      'callmon-parity-fr.json': importstr '../grafana/fr/parity.json',
      'callmon-planning-fr.json': importstr '../grafana/fr/planning.json',
      'callmon-standards-fr.json': importstr '../grafana/fr/standards.json',
    },
  },
};

local quoted(text) = std.strReplace(text, '"', '\\"');

// The selector stands bare in an expression, and with \" in a template's query and in JSON.
local selecting(text, selector) =
  local bare = 'job="callmon"';
  std.strReplace(std.strReplace(text, quoted(bare), quoted(selector)), bare, selector);

local renamed(rules, name) = { groups: [group { name: name } for group in rules.groups] };

(import 'config.libsonnet') + {
  local config = self._config,

  prometheusAlerts+:: renamed(std.parseYaml(
    std.strReplace(
      std.strReplace(
        selecting(shipped.alerts, config.callmonSelector), '{{ $externalLabels.callmon_url }}', config.callmonURL
      ), '{{ $externalLabels.grafana_url }}', config.grafanaURL
    )
  ), config.alertGroupName),

  prometheusRules+:: renamed(std.parseYaml(shipped.boardRules), config.boardGroupName),

  grafanaDashboards+:: {
    [file]:
      local board = std.parseJson(selecting(shipped.boards[language][file], config.callmonSelector));
      board { title: std.strReplace(board.title, 'callmon · ', config.dashboardNamePrefix) }
    for language in config.dashboardLanguages
    for file in std.objectFields(shipped.boards[language])
  },
}
