// racks.js: which racks there are, and those of a location side by side.
import { query, quote, queryAll } from './api.js';
import { h, meter, plural, table } from './dom.js';
import { colours, drawing, freeUnits, legend, unitsOf } from './rack.js';
import { chips } from './search.js';
import { nameOf, navigate, here, objectUrl, remember, url } from './state.js';

const number = (list, usual) => (list.length ? Number(list[0]) : usual);

/* Each rack with its room, from one query: each unit that is taken is one attribute. */
export async function allRacks(where = '', most = 1000) {
    const rows = await queryAll(
        `is basicrack${where}`,
        'name,parents,contents,attr _contains.ru,attr minu,attr maxu',
        most,
    );
    return rows.map(r => {
        const size = number(r['attr maxu'], 45) - number(r['attr minu'], 1) + 1,
            used = r['attr _contains.ru'].length;
        return {
            name: r.name,
            parents: r.parents,
            devices: r.contents.length,
            size,
            used,
            free: size - used,
        };
    });
}

async function overview() {
    const all = await allRacks();
    remember(all.map(r => r.name));
    const places = [...new Set(all.flatMap(r => r.parents))];
    return h(
        'div',
        null,
        h('h1', null, 'Racks', h('small', null, plural(all.length, 'rack'))),
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
                    h('th', { scope: 'row' }, h('a', { href: objectUrl(r.name) }, r.name)),
                    h('td', null, chips(r.parents)),
                    h('td', { class: 'n' }, r.devices),
                    h('td', { class: 'n' }, r.used),
                    h('td', { class: 'n' }, r.free),
                    h('td', null, meter(r.used, r.size)),
                ),
            ),
        ),
    );
}

export async function racks({ args, params, signal, following }) {
    if (!args.length) return overview();
    const [place] = args,
        key = params.get('colour') ?? '',
        small = params.has('small');
    following({ driver: 'basicrack' });
    const [{ rows }, paint] = await Promise.all([
        query(`is basicrack and within ${quote(place)}`, 'name', { signal }),
        colours(place, /^[\w.:-]+$/.test(key) ? key : '', signal),
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
                        h('a', { href: objectUrl(names[i]) }, names[i]),
                        h('small', null, ` ${freeUnits(rack)} of ${rack.last - rack.first + 1} U free`),
                    ),
                    drawing(names[i], rack, paint, null, small ? 0.4 : 1),
                ),
            ),
        ),
        rows.length > 60 && h('p', { class: 'quiet' }, 'The first 60 racks.'),
    );
}
