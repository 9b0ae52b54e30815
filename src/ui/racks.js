// racks.js: which racks there are, and those of a location side by side.
import { query, quote } from './api.js';
import { roomFields, size, used } from './columns.js';
import { h, meter, plural, table } from './dom.js';
import { colours, drawing, freeUnits, legend, unitsOf } from './rack.js';
import { chips, objectLink, rowHead } from './links.js';
import { nameOf, navigate, here, objectUrl, remember, url } from './state.js';

/* A page of racks with their room, and the cursor of the next. */
export async function rackPage(fields, { after, limit, signal }) {
    const { rows, next } = await query('is basicrack', ['name', ...fields, ...roomFields].join(','), {
        after,
        limit,
        signal,
    });
    return { racks: rows.map(r => ({ ...r, size: size(r), used: used(r), free: size(r) - used(r) })), next };
}

async function overview(after, signal) {
    const { racks: all, next } = await rackPage(['parents', 'contents'], { after, limit: 500, signal });
    remember(all.map(r => r.name));
    const places = [...new Set(all.flatMap(r => r.parents))];
    return h(
        'div',
        null,
        h('h1', null, 'Racks', h('small', null, plural(all.length, 'rack'), next && ' or more')),
        places.length > 0 &&
            h(
                'p',
                { class: 'chips' },
                'Side by side: ',
                places.map(p => [h('a', { class: 'chip', href: url('racks', [nameOf(p)]) }, nameOf(p)), ' ']),
            ),
        table(
            ['Rack', 'In', 'Devices', 'Used', 'Free', 'Full'],
            all.map(r =>
                h(
                    'tr',
                    { 'data-row': true },
                    rowHead(r.name),
                    h('td', null, chips(r.parents)),
                    h('td', { class: 'n' }, r.contents.length),
                    h('td', { class: 'n' }, r.used),
                    h('td', { class: 'n' }, r.free),
                    h('td', null, meter(r.used, r.size)),
                ),
            ),
        ),
        next && h('p', null, h('a', { href: here({ after: next }) }, 'More')),
    );
}

export async function racksView({ args, params, signal, following }) {
    if (!args.length) return overview(params.get('after') ?? '0', signal);
    const [place] = args,
        key = params.get('colour') ?? '',
        small = params.has('small');
    following({ driver: 'basicrack' });
    const [{ rows }, paint] = await Promise.all([
        query(`is basicrack and within ${quote(place)}`, 'name', { signal }),
        colours(place, key, signal),
    ]);
    const names = rows.map(r => r.name).slice(0, 60);
    const all = await Promise.all(names.map(n => unitsOf(n, signal)));
    remember(names);
    const box = h('input', { name: 'colour', value: key, size: 16, placeholder: 'driver', id: 'colour' });
    return h(
        'div',
        null,
        h('h1', null, place, h('small', null, plural(rows.length, 'rack'), ', front')),
        h(
            'form',
            {
                class: 'tools',
                onsubmit: e => {
                    e.preventDefault();
                    navigate(here({ colour: box.value.trim() }));
                },
            },
            h('label', { for: 'colour' }, 'Colour by attribute'),
            box,
            h('button', null, 'Show'),
            h('a', { href: here({ small: small ? null : '1' }) }, small ? 'Full size' : 'Thumbnails'),
            h('a', { href: objectUrl(place) }, `About ${place}`),
        ),
        legend(
            paint,
            all.flatMap(r => Object.keys(r.units)),
        ),
        h(
            'div',
            { class: small ? 'rackrow small' : 'rackrow' },
            all.map((rack, i) =>
                h(
                    'section',
                    { 'aria-label': `Rack ${names[i]}` },
                    h(
                        'h2',
                        null,
                        objectLink(names[i]),
                        h('small', null, ` ${freeUnits(rack)} of ${rack.last - rack.first + 1} U free`),
                    ),
                    drawing(names[i], rack, paint, null, small ? 0.4 : 1),
                ),
            ),
        ),
        rows.length > 60 && h('p', { class: 'quiet' }, 'The first 60 racks.'),
    );
}
