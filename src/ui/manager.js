// manager.js: what a manager has given to whom, and the gaps between.
import { get, operation, path, query, quote } from './api.js';
import { h, meter, plural, table } from './dom.js';
import { editForm, field, objectField, opener } from './edit.js';
import { rowHead } from './links.js';
import { prefixLength, toNumber } from './ranges.js';
import { asOf, driverOf, here, nameOf, navigate, objectUrl } from './state.js';

function allocator(o, resource, close, done) {
    const names = o.driver === 'simpleentitynamemanager';
    return editForm({
        label: 'Given',
        save: 'Allocate',
        tag: null,
        cancel: close,
        fields: [
            names
                ? field('Driver of the new object', { name: 'driver', required: true, value: 'basicserver' })
                : objectField('To', 'object'),
            field(resource ? 'Resource' : 'Resource (empty: the next one)', {
                name: 'resource',
                value: resource,
                size: 18,
            }),
        ],
        operations: v => [
            operation('POST', 'resourcemanager', [o.driver, o.name], {
                params: {
                    ...(names ? { driver: v.driver } : { object: v.object }),
                    ...(v.resource ? { resource: v.resource } : {}),
                },
            }),
        ],
        done: result =>
            names && typeof result.results[0]?.body === 'string'
                ? navigate(objectUrl(nameOf(result.results[0].body)))
                : done(),
    });
}

/* Whether an address is in the manager's own network: an object may have others, too. */
function networkOf(o) {
    const value = key => String(o.attrs.find(a => a.key === key)?.value ?? '');
    const size = 2 ** (32 - prefixLength(value('netmask')));
    const network = address => Math.floor(toNumber(address) / size);
    return address => network(address) === network(value('baseip'));
}

/* Those it gave to, with the addresses that are in its own range, and its free ranges between them. */
function rowsOf(o, objects, room) {
    const isOwn = networkOf(o);
    const used = objects.flatMap(r =>
        r.ips.filter(isOwn).map(ip => ({ from: toNumber(ip), text: ip, object: r.path })),
    );
    const gaps = (asOf() ? [] : room.free).map(([a, b]) => ({
        from: toNumber(a),
        text: a === b ? a : `${a}-${b.slice(b.lastIndexOf('.') + 1)}`,
        first: a,
        count: toNumber(b) - toNumber(a) + 1,
    }));
    const gateway = String(o.attrs.find(a => a.key === 'gateway')?.value ?? '');
    if (gateway && isOwn(gateway) && !used.some(u => u.text === gateway))
        used.push({ from: toNumber(gateway), text: gateway });
    return [...used, ...gaps].sort((x, y) => x.from - y.from);
}

export async function given(o, params, signal, done) {
    const [room, { rows, next }] = await Promise.all([
        get(path('resourcemanager', o.driver, o.name, 'free'), { signal, past: false }),
        query(`refers ${quote(o.name)}`, 'path,ips', {
            signal,
            after: params.get('after') ?? '0',
            limit: 1000,
        }),
    ]);
    const allocate = (text, resource = '') =>
        opener(
            text,
            close => allocator(o, resource, close, done),
            'allocate',
            'resourcemanager',
            resource ? { 'aria-label': `Allocate ${resource}` } : {},
        );
    const head = h(
        'p',
        null,
        room.size
            ? [meter(room.used, room.size), `, ${room.used} of ${room.size} used `]
            : `${plural(room.used, 'resource')} given out `,
        allocate('Allocate'),
    );
    const list = room.free ? rowsOf(o, rows, room) : rows.map(r => ({ text: '', object: r.path }));
    const gap = r =>
        h(
            'tr',
            { class: 'gap' },
            h('td', { colspan: 2 }, `${r.count} free: ${r.text}`),
            h('td', null, allocate('Allocate', r.first)),
        );
    const taken = r =>
        h(
            'tr',
            { 'data-row': !!r.object },
            h('td', null, h('span', { class: 'value' }, r.text)),
            r.object ? rowHead(nameOf(r.object)) : h('td', { class: 'quiet' }, 'gateway'),
            h('td', null, r.object && driverOf(r.object)),
        );
    return h(
        'div',
        null,
        head,
        list.length > 0 &&
            table(
                ['Resource', 'Object', 'Driver'],
                list.map(r => (r.count ? gap(r) : taken(r))),
            ),
        next && h('p', null, h('a', { href: here({ after: next }) }, 'More')),
    );
}
