// What a site may change. The defaults give the rules and boards that ship, to the letter.
{
  _config+:: {
    // Chooses callmon's own series: up, process_…
    callmonSelector: 'job="callmon"',

    // The begin of runbook_url: the address of callmon's pages, no slash at the end.
    callmonURL: '{{ $externalLabels.callmon_url }}',

    // The begin of dashboard_url: the address of Grafana, no slash at the end.
    grafanaURL: '{{ $externalLabels.grafana_url }}',

    // The languages of the boards, and what their titles begin with.
    dashboardLanguages: ['en', 'fr'],
    dashboardNamePrefix: 'callmon · ',

    // Names of the two groups of rules.
    alertGroupName: 'callmon',
    boardGroupName: 'callmon-boards',
  },
}
