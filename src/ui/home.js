// home.js: the first page: what there is, what is nearly full, what happened last.
import { drivers, forgetDrivers, get, has, path } from './api.js';
import { versionRow } from './diff.js';
import { h, meter, table } from './dom.js';
import { nearlyFull } from './groups.js';
import { rackPage } from './racks.js';
import { rowHead } from './links.js';
import { asOf, url } from './state.js';

/* A part that fails says so in its own place. */
const part = (title, promise, show) =>
    promise
        .then(show, error => (error.name === 'AbortError' ? '' : h('p', { class: 'quiet' }, error.message)))
        .then(node => h('section', null, h('h2', null, title), node));

const none = h.bind(null, 'p', { class: 'quiet' });

/* How many objects each driver has: the server keeps the numbers of now. */
async function counts() {
    if (!asOf()) {
        forgetDrivers();
        return drivers();
    }
    const rows = await get(path('', 'query'), { params: { q: 'all', count_by: 'driver' } });
    return Object.fromEntries(rows.map(r => [r.value, r]));
}

function kinds(all) {
    const used = Object.entries(all)
        .filter(([name, d]) => Number(d.count) && name !== 'clustometa')
        .sort((a, b) => b[1].count - a[1].count);
    return used.length
        ? table(
              ['Driver', 'Objects'],
              used.map(([name, d]) =>
                  h(
                      'tr',
                      { 'data-row': true },
                      h('th', { scope: 'row' }, h('a', { href: url('list', [name]) }, name)),
                      h('td', { class: 'n' }, Number(d.count).toLocaleString('en')),
                  ),
              ),
          )
        : none('The inventory is empty.', ' ', h('a', { href: url('new') }, 'Create the first object'));
}

function fullRacks({ racks, next }) {
    const least = racks.sort((a, b) => a.free - b.free).slice(0, 8);
    if (!least.length) return none('There is no rack.');
    return [
        table(
            ['Rack', 'Free', 'Full'],
            least.map(r =>
                h(
                    'tr',
                    { 'data-row': true },
                    rowHead(r.name),
                    h('td', { class: 'n' }, `${r.free} U`),
                    h('td', null, meter(r.used, r.size)),
                ),
            ),
        ),
        next && none('Of the first 2,000 racks.'),
    ];
}

function tight(rows) {
    return rows.length
        ? table(
              ['Manager', 'Used', 'Full'],
              rows.map(r =>
                  h(
                      'tr',
                      { 'data-row': true },
                      rowHead(r.name),
                      h('td', { class: 'n' }, `${r.used} of ${r.size}`),
                      h('td', null, meter(r.used, r.size)),
                  ),
              ),
          )
        : none('No manager is more than 80 % full.');
}

export async function homeView({ signal, following }) {
    if (!has(''))
        return h(
            'div',
            null,
            h('h1', null, 'Preferences'),
            h('a', { href: url('preferences') }, 'Your preferences'),
        );
    following({});
    const parts = await Promise.all(
        [
            part('Objects', counts(), kinds),
            part('Racks with least room', rackPage([], { limit: 2000, signal }), fullRacks),
            has('resourcemanager') && !asOf() && part('Managers nearly full', nearlyFull(signal), tight),
            part(
                'Latest changes',
                get(path('', 'history'), { params: { limit: 12, to: asOf() || null }, signal, past: false }),
                body =>
                    h(
                        'div',
                        null,
                        table(
                            ['Version', 'When', 'Who', 'Why'],
                            body.versions.map(v => versionRow(v)),
                        ),
                        h('p', null, h('a', { href: url('history') }, 'All of them')),
                    ),
            ),
        ].filter(Boolean),
    );
    return h('div', null, h('h1', { class: 'skip' }, 'Muster'), h('div', { class: 'grid' }, parts));
}
