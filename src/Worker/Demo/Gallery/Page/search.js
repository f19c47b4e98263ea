// Search, suggestions, the lists of files without a description, and the page's address (#q=...&i=...).
const search = document.getElementById('search');
const chips = document.getElementById('chips');

function remember() {
  const state = new URLSearchParams();
  if (search.value.trim()) state.set('q', search.value.trim());
  if (current >= 0) state.set('i', current);
  try {
    history.replaceState(null, '', '#' + state);
  } catch {
    // Some browsers allow no state for local files: the page works without.
  }
}

function run() {
  show(find(search.value));
  const query = search.value.trim().toLowerCase();
  for (const chip of chips.children) chip.setAttribute('aria-pressed', chip.textContent.toLowerCase() === query);
  remember();
}

for (const text of data.suggestions) {
  const chip = element('button', '', text);
  chip.type = 'button';
  chip.addEventListener('click', () => {
    search.value = chip.getAttribute('aria-pressed') === 'true' ? '' : text;
    run();
  });
  chips.append(chip);
}
document.getElementById('known').append(...data.texts.map(text => {
  const option = element('option');
  option.value = text;
  return option;
}));

search.addEventListener('input', run);
addEventListener('keydown', event => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || viewer.open || document.activeElement === search) return;
  event.preventDefault();
  search.select();
});

function notes(title, list, total, open) {
  if (total === 0) return;
  const details = element('details');
  const table = element('table');
  const head = element('tr');
  for (const name of ['File', 'Reason', 'Detail']) {
    const cell = element('th', '', name);
    cell.scope = 'col';
    head.append(cell);
  }
  const body = element('tbody');
  table.append(element('thead'), body);
  table.tHead.append(head);
  details.append(element('summary', '', title));
  const scroll = element('div', 'scroll');
  scroll.append(table);
  details.append(scroll);
  // The rows come when the list is opened: there may be thousands.
  details.addEventListener('toggle', () => {
    if (body.childElementCount > 0) return;
    for (const note of list) {
      const row = element('tr');
      const reason = element('td');
      reason.append(element('span', '', note.reason));
      row.append(element('td', '', note.key), reason, element('td', '', note.detail));
      body.append(row);
    }
    if (total > list.length) details.append(element('p', 'empty', `and ${(total - list.length).toLocaleString('en')} more, see results.jsonl`));
  });
  details.open = open;
  document.getElementById('notes').append(details);
}

const count = (n, one, many) => n.toLocaleString('en') + ' ' + (n === 1 ? one : many);
notes(count(data.rejectedTotal, 'image was rejected', 'images were rejected'), data.rejected, data.rejectedTotal, data.images.length === 0);
notes(count(data.skippedTotal, 'file was skipped', 'files were skipped'), data.skipped, data.skippedTotal, false);

const address = new URLSearchParams(location.hash.slice(1));
search.value = address.get('q') ?? data.queries[0] ?? '';
run();
const opened = Number(address.get('i') ?? NaN);
if (Number.isInteger(opened) && data.images[opened]) openViewer(opened);
