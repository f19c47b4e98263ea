let paused = false;
let latest = null;
let said = '';
let settings = null;

// Read out once when it changes, and not with every figure.
function announce(text) {
  if (text === said) return;
  said = text;
  by('announce').textContent = text;
}

function state(kind, text, banner) {
  by('state').dataset.state = kind;
  by('state-text').textContent = text;
  by('banner').hidden = !banner;
  by('banner').textContent = banner || '';
  announce(banner ? `${text}: ${banner}` : text);
}

function render(status) {
  const ready = status.notReady.length === 0;
  state(ready ? 'good' : 'bad', ready ? 'Ready' : 'Not ready', ready ? '' : status.notReady.join('; '));
  document.title = `${ready ? '' : '(!) '}VlWorker status`;
  by('about').textContent = `version ${status.version} · up ${duration(status.uptimeSeconds)}`;
  tiles(status);
  lineChart(by('throughput'), status.throughput, 120);
  for (const section of [stages, lanes, devices, batches, rejections, captions, models]) section(status);
}

function filterSettings() {
  const words = by('filter').value.toLowerCase();
  table(by('settings'), [{ title: 'Setting' }, { title: 'Value' }],
    (settings || []).filter(setting => `${setting.name} ${setting.value}`.toLowerCase().includes(words))
      .map(setting => ({ class: setting.isDefault ? null : 'set', cells: [setting.name, make('code', null, setting.value || '–')] })), 'There is no such setting.');
}

by('pause').addEventListener('click', () => {
  paused = !paused;
  by('pause').setAttribute('aria-pressed', String(paused));
  if (!paused && latest) render(latest);
  announce(paused ? 'Updates are paused' : 'Updates go on');
});
by('settings-box').addEventListener('toggle', async () => {
  if (settings === null) {
    settings = await (await fetch('/status/settings')).json();
    filterSettings();
  }
});
by('filter').addEventListener('input', filterSettings);

const events = new EventSource('/status/events');
events.addEventListener('status', event => {
  latest = JSON.parse(event.data);
  if (!paused) render(latest);
});
events.addEventListener('error', () => state('wait', 'No connection', 'The worker does not answer; the figures are old. Trying again.'));
