// search.js: a name opens at once, an address its owner; else what was found, and why.
import { ApiError, get, path, query, quote, request } from './api.js';
import { h, plural, table } from './dom.js';
import { chips, rowHead } from './links.js';
import { asOf, driverOf, nameOf, navigate, objectUrl, remember, url } from './state.js';

async function byAddress(address, signal) {
    const found = await get(path('', 'by-address', address), { signal });
    const owner = found.holders[0]?.object ?? found.managers[0];
    if (owner) navigate(objectUrl(nameOf(owner)), true);
    return owner;
}

async function parentsOf(paths, signal) {
    if (!paths.length) return {};
    const { rows } = await query(`name in (${paths.map(p => quote(nameOf(p))).join(', ')})`, 'path,parents', {
        signal,
    });
    return Object.fromEntries(rows.map(r => [r.path, r.parents]));
}

function why(found) {
    const where = found.in === 'attr' ? [found.key, found.subkey].filter(Boolean).join('.') : found.in;
    return found.in === 'name' ? 'name' : [`${where}: `, h('code', null, found.value)];
}

export async function searchView({ params, signal }) {
    const q = (params.get('q') ?? '').trim();
    if (!q)
        return h(
            'div',
            null,
            h('h1', null, 'Search'),
            h('p', null, 'Type a name, an address or a text above.'),
        );
    if (/^\d+\.\d+\.\d+\.\d+$/.test(q) && !params.get('after')) {
        const owner = await byAddress(q, signal).catch(e => {
            if (!(e instanceof ApiError)) throw e;
        });
        if (owner) return h('p', null, 'Opening ', nameOf(owner));
    }
    const { body, header } = await request('GET', path('', 'search'), {
        params: { q, after: params.get('after') },
        signal,
        past: false,
    });
    const exact = body.find(f => f.in === 'name' && nameOf(f.object) === q);
    if (exact) {
        navigate(objectUrl(q), true);
        return h('p', null, 'Opening ', q);
    }
    const parents = await parentsOf(
        body.map(f => f.object),
        signal,
    );
    const next = header('Clusto-Next');
    const note = asOf() && h('p', { class: 'quiet' }, 'Texts are searched in the inventory of now.');
    remember(body.map(f => nameOf(f.object)));
    return h(
        'div',
        null,
        h('h1', { 'data-title': q }, `Found for "${q}"`),
        note,
        body.length
            ? table(
                  ['Object', 'Driver', 'In', 'What matched'],
                  body.map(f =>
                      h(
                          'tr',
                          { 'data-row': true },
                          rowHead(nameOf(f.object)),
                          h('td', null, driverOf(f.object)),
                          h('td', null, chips(parents[f.object] ?? [])),
                          h('td', null, why(f)),
                      ),
                  ),
              )
            : h('p', null, 'Nothing has this text in its name, its addresses or its attributes.'),
        h(
            'p',
            { class: 'quiet' },
            next
                ? h('a', { href: url('search', [], { q, after: next }) }, 'More')
                : plural(body.length, 'object'),
        ),
    );
}
