// groups.js: pools as a tree with the number of their members, managers with how much they have left.
import { drivers, get, isA, may, path, query } from './api.js';
import { h, meter, plural, table } from './dom.js';
import { objectLink, rowHead } from './links.js';
import { prefixLength, toNumber } from './ranges.js';
import { asOf, driverOf, here, nameOf, remember, url } from './state.js';

/* To count members is to look at all of them: only while they are few. */
async function memberCounts() {
    const all = Object.values(await drivers()).reduce((sum, d) => sum + Number(d.count), 0);
    if (all > 50000) return null;
    const rows = await get(path('', 'query'), { params: { q: 'pool exists', count_by: 'parents' } });
    return Object.fromEntries(rows.map(r => [r.value, Number(r.count)]));
}

/* One page of pools, each in that above it if this is on the same page. */
export async function poolsView({ params, signal }) {
    const [{ rows, next }, count] = await Promise.all([
        query('is pool', 'path,driver,parents', { signal, after: params.get('after') ?? '0', limit: 1000 }),
        memberCounts(),
    ]);
    const inside = {};
    for (const r of rows) for (const p of r.parents) (inside[p] ??= []).push(r);
    const known = new Set(rows.map(r => r.path));
    const tops = rows.filter(r => !r.parents.some(p => known.has(p)));
    remember(rows.map(r => nameOf(r.path)));
    const about = r =>
        [count && (count[r.path] ?? 0).toLocaleString('en'), r.driver !== 'pool' && r.driver]
            .filter(x => x !== null && x !== false)
            .join(', ');
    const branch = (r, above) =>
        h(
            'li',
            { 'data-row': true },
            objectLink(nameOf(r.path)),
            h('span', { class: 'quiet' }, ' ', about(r)),
            inside[r.path] &&
                !above.includes(r.path) &&
                h(
                    'ul',
                    null,
                    inside[r.path].map(c => branch(c, [...above, r.path])),
                ),
        );
    return h(
        'div',
        null,
        h(
            'h1',
            null,
            'Pools',
            h(
                'small',
                null,
                plural(rows.length, 'pool'),
                next && ' or more',
                count && '; beside each, what is directly in it',
            ),
        ),
        rows.length
            ? h(
                  'ul',
                  null,
                  tops.map(r => branch(r, [])),
              )
            : h('p', null, 'There is no pool.'),
        h(
            'p',
            { class: 'tools' },
            next && h('a', { href: here({ after: next }) }, 'More'),
            may('write') && h('a', { href: url('new', [], { driver: 'pool' }) }, 'New pool'),
        ),
    );
}

/* What is left of each manager; those without a range have only what they gave. The server knows it of now. */
const unknown = { used: null, size: null };
async function roomOf(rows, signal) {
    const room = r =>
        asOf()
            ? unknown
            : get(path('resourcemanager', driverOf(r.path), nameOf(r.path), 'free'), { signal }).catch(
                  () => unknown,
              );
    return Promise.all(rows.map(async r => ({ ...r, name: nameOf(r.path), ...(await room(r)) })));
}

const rangeOf = r =>
    r['attr baseip'].length
        ? `${r['attr baseip'][0]}/${prefixLength(String(r['attr netmask'][0] ?? ''))}`
        : String(r['attr basename'][0] ?? '');

/* How many addresses a manager has for objects, at least: without network, broadcast and gateway. */
function sizeOf(manager) {
    const [mask, first, last] = ['netmask', 'first', 'last'].map(
        key => manager.attrs.find(a => a.key === key)?.value,
    );
    const all =
        first && last
            ? toNumber(last) - toNumber(first) + 1
            : 2 ** (32 - prefixLength(String(mask ?? '32'))) - 2;
    return Math.max(1, all - 1);
}

/* Address managers that are nearly full, of the first 1,000 of each driver: those that may be, by what they gave, are
   asked how much they have left. */
export async function nearlyFull(signal) {
    const all = await drivers();
    const headers = {
        'Clusto-Mode': 'expanded',
        'Clusto-Contents': 'none',
        'Clusto-After': '0',
        'Clusto-Per-Page': '1000',
    };
    const lists = await Promise.all(
        Object.keys(all)
            .filter(d => isA(all, d, 'ipmanager') && Number(all[d].count))
            .map(d => get(path('resourcemanager', d), { signal, headers })),
    );
    const likely = lists
        .flat()
        .map(o => ({ path: `/${o.driver}/${o.name}`, share: o.count / sizeOf(o) }))
        .filter(r => r.share >= 0.7)
        .sort((a, b) => b.share - a.share);
    return (await roomOf(likely.slice(0, 20), signal))
        .filter(r => r.size && r.used / r.size >= 0.8)
        .sort((a, b) => b.used / b.size - a.used / a.size);
}

export async function managersView({ params, signal }) {
    const page = await query('is resourcemanager', 'path,attr baseip,attr netmask,attr basename', {
        signal,
        after: params.get('after') ?? '0',
        limit: 50,
    });
    const rows = await roomOf(page.rows, signal);
    remember(rows.map(r => r.name));
    return h(
        'div',
        null,
        h('h1', null, 'Managers'),
        table(
            ['Name', 'Driver', 'Range', 'Used', 'Size', 'Full'],
            rows.map(r =>
                h(
                    'tr',
                    { 'data-row': true },
                    rowHead(r.name),
                    h('td', null, driverOf(r.path)),
                    h('td', null, h('code', null, rangeOf(r))),
                    h('td', { class: 'n' }, r.used),
                    h('td', { class: 'n' }, r.size ?? ''),
                    h('td', null, r.size && meter(r.used, r.size)),
                ),
            ),
        ),
        page.next && h('p', null, h('a', { href: here({ after: page.next }) }, 'More')),
    );
}
