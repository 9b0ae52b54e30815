// groups.js: pools as a tree with the number of their members, managers with how much they have left.
import { get, may, path, queryAll, request } from './api.js';
import { h, meter, plural, table } from './dom.js';
import { objectLink, rowHead } from './links.js';
import { driverOf, nameOf, remember, url } from './state.js';

async function memberCounts() {
    const rows = await get(path('', 'query'), { params: { q: 'pool exists', count_by: 'parents' } });
    return Object.fromEntries(rows.map(r => [r.value, Number(r.count)]));
}

export async function poolsView() {
    const [rows, count] = await Promise.all([queryAll('is pool', 'path,driver,parents'), memberCounts()]);
    const inside = {};
    for (const r of rows) for (const p of r.parents) (inside[p] ??= []).push(r);
    const known = new Set(rows.map(r => r.path));
    const tops = rows.filter(r => !r.parents.some(p => known.has(p)));
    remember(rows.map(r => nameOf(r.path)));
    const branch = (r, above) =>
        h(
            'li',
            { 'data-row': true },
            objectLink(nameOf(r.path)),
            h(
                'span',
                { class: 'quiet' },
                ` ${count[r.path] ?? 0}${r.driver === 'pool' ? '' : `, ${r.driver}`}`,
            ),
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
            h('small', null, plural(rows.length, 'pool'), '; beside each, what is directly in it'),
        ),
        rows.length
            ? h(
                  'ul',
                  null,
                  tops.map(r => branch(r, [])),
              )
            : h('p', null, 'There is no pool.'),
        may('write') && h('p', null, h('a', { href: url('new', [], { driver: 'pool' }) }, 'New pool')),
    );
}

/* What is left of each manager; those without a range have only what they gave. */
export async function roomOf(rows, signal) {
    return Promise.all(
        rows.map(async r => ({
            ...r,
            name: nameOf(r.path),
            ...(await get(path('resourcemanager', driverOf(r.path), nameOf(r.path), 'free'), {
                signal,
                past: false,
            }).catch(() => ({ used: null, size: null, free: null }))),
        })),
    );
}

export const managerPage = (after, signal, limit = 50) =>
    request('GET', path('', 'query'), {
        params: { q: 'is resourcemanager', fields: 'path,attr baseip,attr netmask,attr basename' },
        signal,
        headers: { 'Clusto-After': after, 'Clusto-Per-Page': String(limit) },
    });

const prefixLength = mask =>
    /^\d+$/.test(mask ?? '')
        ? mask
        : (mask ?? '').split('.').reduce((n, b) => n + Number(b).toString(2).replaceAll('0', '').length, 0);
const rangeOf = r =>
    r['attr baseip'].length
        ? `${r['attr baseip'][0]}/${prefixLength(String(r['attr netmask'][0] ?? ''))}`
        : String(r['attr basename'][0] ?? '');

export async function managersView({ params, signal }) {
    const { body, header } = await managerPage(params.get('after') ?? '0', signal);
    const rows = await roomOf(body, signal);
    const next = header('Clusto-Next');
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
        h(
            'p',
            { class: 'quiet' },
            next ? h('a', { href: url('managers', [], { after: next }) }, 'More') : null,
        ),
    );
}
