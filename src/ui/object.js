// object.js: one object: what it is, where, what it has and contains, what became of it.
import { drivers, isA, may, operation, path, readObject, request } from './api.js';
import { attributes } from './attributes.js';
import { h, say } from './dom.js';
import { editForm, field, objectField, opener, select, stateOf } from './edit.js';
import { historyOf } from './history.js';
import { chip } from './links.js';
import { given } from './manager.js';
import { colours, drawing, freeUnits, legend, unitsOf } from './rack.js';
import { rangeText } from './ranges.js';
import { driverOf, here, nameOf, navigate, neighbour, objectUrl, url } from './state.js';

const entity = (method, segments, rest) => operation(method, 'entity', segments, rest);
const units = text =>
    text
        .split(/[\s,]+/)
        .filter(Boolean)
        .flatMap(part => {
            const [a, b = a] = part.split('-').map(Number);
            if (!Number.isInteger(a) || !Number.isInteger(b) || b < a || b - a > 200)
                throw new Error(`"${part}" is not a unit or a range of units.`);
            return Array.from({ length: b - a + 1 }, (_, i) => String(a + i));
        });

function inserter(o, close, done) {
    return editForm({
        label: `${o.name} put in`,
        save: 'Put in',
        tag: null,
        cancel: close,
        done,
        fields: [
            objectField('Container', 'container'),
            field('Units, of a rack', { name: 'units', size: 8 }),
            select('If it is elsewhere', 'action', ['refuse', 'move'], 'refuse'),
        ],
        operations: v => [
            entity('POST', ['entity', v.container], {
                params: {
                    action: v.action === 'move' ? 'move' : 'insert',
                    device: o.name,
                    ...(v.units ? { rackU: units(v.units) } : {}),
                },
            }),
        ],
    });
}

function filler(o, close, done, unit = '') {
    return editForm({
        label: `${o.name} filled`,
        save: 'Put in',
        tag: o.tag,
        cancel: close,
        done,
        conflict: () => stateOf(o.name),
        fields: [
            objectField(
                o.rack ? 'Device' : 'Object',
                'device',
                o.rack ? 'is device and not rack exists' : '',
            ),
            o.rack && field('Units', { name: 'units', size: 8, value: unit, required: true }),
        ],
        operations: v => [
            entity('POST', [o.driver, o.name], {
                params: { action: 'insert', device: v.device, ...(o.rack ? { rackU: units(v.units) } : {}) },
            }),
        ],
    });
}

function taker(o, close, done) {
    return editForm({
        label: `${o.name} taken out`,
        save: 'Take out',
        tag: null,
        cancel: close,
        done,
        fields: [select('Container', 'container', o.parents.map(nameOf))],
        operations: v => [
            entity('POST', ['entity', v.container], { params: { action: 'remove', device: o.name } }),
        ],
    });
}

function renamer(o, close) {
    let to;
    return editForm({
        label: `${o.name} renamed`,
        save: 'Rename',
        tag: o.tag,
        cancel: close,
        conflict: () => stateOf(o.name),
        fields: [field('New name', { name: 'to', value: o.name, required: true, size: 30 })],
        operations: v => {
            to = v.to;
            return [entity('POST', [o.driver, o.name], { params: { action: 'rename', to: v.to } })];
        },
        done: () => navigate(objectUrl(to), true),
    });
}

function deleter(o, close) {
    return editForm({
        label: `${o.name} deleted`,
        save: 'Delete',
        tag: o.tag,
        cancel: close,
        conflict: () => stateOf(o.name),
        fields: [field('Type its name to delete it', { name: 'name', required: true, size: 30 })],
        operations: v => {
            if (v.name !== o.name) throw new Error('This is not its name.');
            return [entity('DELETE', [o.driver, o.name])];
        },
        done: result => {
            navigate(url('history', [result.version]), true);
            say(`${o.name} deleted (version ${result.version})`);
        },
    });
}

function giveBack(o, ip, close, done) {
    return editForm({
        label: `${ip.address} given back`,
        save: `Give back ${ip.address}`,
        tag: null,
        cancel: close,
        done,
        fields: [],
        operations: () => [
            operation('DELETE', 'resourcemanager', [driverOf(ip.manager), nameOf(ip.manager)], {
                params: { object: o.name, resource: ip.address },
            }),
        ],
    });
}

function addresses(o, done) {
    const of = (n, subkey) =>
        o.attrs.find(a => a.key === 'ip' && a.number === n && a.subkey === subkey)?.value;
    const all = o.attrs
        .filter(a => a.key === 'ip' && a.subkey === 'ipstring')
        .map(a => ({ address: a.value, manager: of(a.number, 'manager'), cidr: of(a.number, 'cidr') }));
    return (
        all.length > 0 &&
        h(
            'p',
            { class: 'chips' },
            'Addresses ',
            all.map(ip =>
                h(
                    'span',
                    null,
                    h('b', { class: 'value' }, ip.cidr ?? ip.address),
                    ip.manager && [
                        ' from ',
                        chip(nameOf(ip.manager)),
                        ' ',
                        opener(
                            'Give back',
                            close => giveBack(o, ip, close, done),
                            'allocate',
                            'resourcemanager',
                        ),
                    ],
                    ' ',
                ),
            ),
        )
    );
}

/* 200 at a time, by driver. */
async function contents(o, params, signal, done) {
    const { body, header } = await request('GET', path('entity', o.driver, o.name, 'contents'), {
        signal,
        headers: { 'Clusto-After': params.get('after') ?? '0', 'Clusto-Per-Page': '200' },
    });
    const groups = new Map();
    for (const p of body) groups.set(driverOf(p), [...(groups.get(driverOf(p)) ?? []), nameOf(p)]);
    const next = header('Clusto-Next');
    return h(
        'div',
        null,
        !body.length && h('p', { class: 'quiet' }, 'Nothing is in it.'),
        [...groups].map(([driver, names]) =>
            h(
                'section',
                null,
                h('h2', null, driver, h('small', null, ` ${names.length}`, next && ' or more')),
                h(
                    'p',
                    { class: 'chips' },
                    names.map(n => [chip(n), ' ']),
                ),
            ),
        ),
        h(
            'p',
            null,
            next && h('a', { href: here({ after: next }) }, 'The next 200'),
            ' ',
            opener('Put an object in', close => filler(o, close, done)),
        ),
    );
}

async function rackBeside(o, key, signal, done) {
    const [rack, paint] = await Promise.all([unitsOf(o.name, signal), colours(o.name, key, signal)]);
    const place = h('div');
    const pick = unit => {
        const form = filler(o, () => place.replaceChildren(), done, String(unit));
        place.replaceChildren(form);
        form.querySelector('input').focus();
    };
    return h(
        'div',
        null,
        h(
            'p',
            null,
            h('b', null, `${freeUnits(rack)} of ${rack.last - rack.first + 1} U free`),
            h('span', { class: 'quiet' }, ', front (no rear is known)'),
        ),
        place,
        legend(paint, Object.keys(rack.units)),
        drawing(o.name, rack, paint, may('write') ? pick : null),
    );
}

async function json(o, signal) {
    const { body } = await request('GET', path('', 'by-name', o.name), { signal, raw: true });
    return h('pre', { tabindex: 0, 'aria-label': 'JSON' }, body);
}

function heading(o, reload) {
    const previous = neighbour(o.name, -1),
        next = neighbour(o.name, 1);
    return h(
        'header',
        null,
        h(
            'h1',
            { 'data-title': o.name },
            o.name,
            h('small', null, h('a', { href: url('list', [o.driver]) }, o.driver)),
        ),
        (previous || next) &&
            h(
                'p',
                { class: 'quiet' },
                previous &&
                    h('a', { href: objectUrl(previous), rel: 'prev', title: 'Previous [' }, `← ${previous}`),
                previous && next && ' · ',
                next && h('a', { href: objectUrl(next), rel: 'next', title: 'Next ]' }, `${next} →`),
            ),
        h(
            'p',
            { class: 'chips' },
            o.parents.length ? 'in ' : h('span', { class: 'quiet' }, 'in nothing'),
            o.parents.map(p => [
                h(
                    'a',
                    { class: 'chip', href: objectUrl(nameOf(p)) },
                    nameOf(p),
                    o.units?.[p] && ` U${rangeText(o.units[p])}`,
                ),
                ' ',
            ]),
        ),
        addresses(o, reload),
        may('write') &&
            h(
                'p',
                { class: 'tools' },
                opener('Put into', close => inserter(o, close, reload)),
                o.parents.length > 0 && opener('Take out', close => taker(o, close, reload)),
                opener('Rename', close => renamer(o, close)),
                opener('Delete', close => deleter(o, close)),
            ),
        o.place && h('p', null, h('a', { href: url('racks', [o.name]) }, 'Its racks, side by side')),
    );
}

export async function objectView({ args, params, signal, reload, following }) {
    const [name] = args;
    const [{ body: o, header }, all] = await Promise.all([readObject(name, { signal }), drivers()]);
    o.tag = header('ETag');
    o.rack = isA(all, o.driver, 'basicrack');
    o.place = !o.rack && isA(all, o.driver, 'location');
    following({ object: name });
    const manages = all[o.driver]?.is_manager,
        usual = manages ? 'given' : o.place || isA(all, o.driver, 'pool') ? 'contents' : 'attributes',
        tab = params.get('tab') ?? usual;
    const tabs = [
        manages && ['given', `Given out ${o.count ?? ''}`],
        ['attributes', `Attributes ${o.attrs.length}`],
        ['contents', 'Contents'],
        ['history', 'History'],
        ['json', 'JSON'],
    ].filter(Boolean);
    const show = new Map([
        ['given', () => given(o, params, signal, reload)],
        ['contents', () => contents(o, params, signal, reload)],
        ['history', () => historyOf(o.name, params.get('before'), signal)],
        ['json', () => json(o, signal)],
    ]);
    const [left, right] = await Promise.all([
        o.rack ? rackBeside(o, params.get('colour') ?? '', signal, reload) : null,
        show.has(tab) ? show.get(tab)() : attributes(o, reload),
    ]);
    return h(
        'div',
        null,
        heading(o, reload),
        h(
            'div',
            { class: 'beside' },
            left,
            h(
                'div',
                { class: 'wide' },
                h(
                    'nav',
                    { class: 'tabs', 'aria-label': 'Parts of the object' },
                    tabs.map(([id, label]) =>
                        h(
                            'a',
                            {
                                href: here({ tab: id === usual ? null : id, after: null, before: null }),
                                'aria-current': id === tab ? 'page' : null,
                            },
                            label,
                        ),
                    ),
                ),
                right,
            ),
        ),
    );
}
