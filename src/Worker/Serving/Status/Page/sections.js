const sum = map => Object.values(map).reduce((total, value) => total + value, 0);

function tiles(status) {
  const inHand = sum(status.lanes.map(lane => lane.inHand)) + (status.rest ? status.rest.inHand : 0);
  const batches = status.batches.filter(batch => batch.meanRows);
  const counts = batches.map(batch => sum(batch.sizes.map(size => size.count)));
  const rows = batches.length > 0 ? sum(batches.map((batch, i) => batch.meanRows * counts[i])) / sum(counts) : null;
  const rejected = sum(status.rejections.map(one => one.lastMinute));
  const tile = (title, value, unit) => make('div', null, make('dt', null, title), make('dd', null, value, unit ? make('small', null, ` ${unit}`) : null));
  show(by('tiles'),
    tile('Images', rate(status.imagesPerSecond), 'a second'),
    tile('In hand', number(inHand), 'messages and requests'),
    tile('Waiting for a batch', number(status.waitingRows), 'rows'),
    tile('Mean batch', rows === null ? '–' : rows.toFixed(1), 'rows'),
    tile('Rejected', number(rejected), 'in the last minute'));
}

function stages(status) {
  const longest = Math.max(1e-9, ...status.stages.map(stage => stage.meanMs || 0));
  const names = { 'batch-wait': 'wait for a batch' };
  by('stages').replaceChildren(...status.stages.map(stage =>
    bar(names[stage.name] || stage.name, stage.meanMs == null ? '–' : milliseconds(stage.meanMs), (stage.meanMs || 0) / longest)));
}

function lanes(status) {
  const titles = ['Lane', 'Queue', 'In hand', 'A second', 'Described', 'Rejected', 'Retried', 'Dead'].map((title, i) => ({ title, number: i > 0 }));
  const rows = status.lanes.map(lane => ({ cells: [
    lane.name, lane.depth == null ? '–' : number(lane.depth), `${number(lane.inHand)} of ${number(lane.prefetch)}`, rate(lane.perSecond),
    ...['described', 'rejected', 'retried', 'dead'].map(outcome => number(lane.outcomes[outcome] || 0))] }));
  if (status.rest) {
    const ok = status.rest.outcomes.ok || 0;
    rows.push({ cells: ['REST', '–', `${number(status.rest.inHand)} of ${number(status.rest.backlog)}`, rate(status.rest.perSecond), number(ok),
      number(sum(status.rest.outcomes) - ok), '–', '–'] });
  }
  table(by('lanes'), titles, rows, '');
}

function devices(status) {
  const memory = status.memory.map(one => bar(one.name, `${bytes(one.usedBytes)} of ${bytes(one.capacityBytes)}`, one.usedBytes / one.capacityBytes));
  by('devices').replaceChildren(
    ...status.devices.map(device => {
      const of = device.reading;
      const facts = [`${device.streams} streams`, of.powerWatts == null ? null : `${Math.round(of.powerWatts)} W`, of.temperatureCelsius == null ? null : `${Math.round(of.temperatureCelsius)} °C`];
      return make('div', { class: 'device' }, make('h3', null, of.device, ' ', make('span', null, facts.filter(Boolean).join(' · '))), make('dl', { class: 'bars' },
        bar('busy', percent(device.busyPercent), device.busyPercent / 100),
        of.utilizationPercent == null ? null : bar('utilisation', percent(of.utilizationPercent), of.utilizationPercent / 100),
        of.memoryUsedBytes == null ? null : bar('memory', of.memoryTotalBytes ? `${bytes(of.memoryUsedBytes)} of ${bytes(of.memoryTotalBytes)}` : bytes(of.memoryUsedBytes),
          of.memoryTotalBytes ? of.memoryUsedBytes / of.memoryTotalBytes : 0)));
    }),
    make('div', { class: 'device' }, make('h3', null, 'Pipeline'), make('dl', { class: 'bars' }, ...memory)));
}

function batches(status) {
  if (status.batches.length === 0) {
    show(by('batches'), make('p', { class: 'empty' }, 'No batch has run yet.'));
    return;
  }
  by('batches').replaceChildren(...status.batches.map(batch => {
    // Sizes up to the limit; larger ones can't come.
    const limit = batch.limit || 0;
    const within = batch.sizes.filter((size, i) => size.count > 0 || i === 0 || (batch.sizes[i - 1].upTo !== null && batch.sizes[i - 1].upTo < limit));
    const all = batch.sizes.map((size, i) => ({ ...size, from: i === 0 ? 1 : batch.sizes[i - 1].upTo + 1 }));
    const shown = all.filter(size => within.some(one => one.upTo === size.upTo));
    const counts = shown.map(size => ({ count: size.count, label: size.upTo == null ? `${size.from}+` : size.from === size.upTo ? `${size.upTo}` : `${size.from}–${size.upTo}` }));
    const mean = batch.meanRows == null ? 'none in the last minute' : `mean ${batch.meanRows.toFixed(1)} rows${limit ? `, ${limit} at most` : ''}`;
    return make('div', null, make('h3', null, `${batch.model} on ${batch.device}`), make('p', null, mean), columns(counts));
  }));
}

function rejections(status) {
  table(by('rejections'), [{ title: 'Reason' }, { title: 'Last minute', number: true }, { title: 'Total', number: true }],
    status.rejections.map(one => ({ cells: [one.reason, number(one.lastMinute), number(one.total)] })), 'Nothing was rejected.');
}

function captions(status) {
  const now = Date.parse(status.at);
  if (status.captions === null || status.captions === undefined || status.captions.length === 0) {
    show(by('captions'), make('li', { class: 'empty' }, status.captions ? 'No caption yet.' : 'Switched off (Serving:LastCaptions).'));
    return;
  }
  show(by('captions'), ...status.captions.map(image => make('li', null,
    make('div', { class: 'frame' }, make('img', { src: `/status/thumbnails/${image.id}`, alt: '' })),
    make('p', null, image.caption), make('small', null, `${image.key || 'upload'} · ${ago(Date.parse(image.at), now)}`))));
}

function models(status) {
  table(by('models'), ['Model', 'Device', 'Tasks', 'Memory', 'Precision', 'Graphs', 'Revision'].map(title => ({ title })),
    status.models.map(model => ({ cells: [model.alias, model.device, model.tasks.join(', ') || 'text',
      model.state ? `on demand: ${model.state} (${bytes(model.bytes)})` : 'loaded', model.precision, model.optimized ? 'rebuilt for the device' : 'as exported',
      make('code', { title: model.revision }, model.revision.slice(0, 12))] })), 'The models are not loaded yet.');
}
