// history.js: the versions of the inventory; one of them with what it changed, and its undoing.
import { drivers, get, isA, may, operation, path } from './api.js';
import { h, plural, say, table, timeOf } from './dom.js';
import { changes, versionRow } from './diff.js';
import { editForm } from './edit.js';
import { asOf, driverOf, here, navigate, url } from './state.js';

/* The latest first; none is later than the moment that is looked at. */
export async function versionsOf(params, signal) {
    return get(path('', 'history'), {
        params: { limit: 50, details: 'true', to: asOf() || null, ...params },
        signal,
        past: false,
    });
}

/* Of all objects, or what became of one. */
export function versionTable(body, next, about) {
    return h(
        'div',
        null,
        table(
            ['Version', 'When', 'Who', 'Why', about ? 'What' : 'Objects'],
            body.versions.map(v => versionRow(v, !about, about)),
        ),
        !body.versions.length && h('p', { class: 'quiet' }, 'No versions.'),
        body.next && h('p', null, h('a', { href: next(body.next) }, 'Older')),
    );
}

async function one(version, signal) {
    if (!/^\d+$/.test(version)) throw new TypeError(`"${version}" is not a version.`);
    const body = await versionsOf({ before: Number(version) + 1, limit: 1, to: null }, signal);
    const v = body.versions.find(x => String(x.version) === version);
    if (!v)
        return h('div', null, h('h1', null, `Version ${version}`), h('p', null, 'There is no such version.'));
    const place = h('div');
    const undo = () =>
        place.replaceChildren(
            editForm({
                label: `Version ${version} undone`,
                save: `Undo version ${version}`,
                fields: [],
                tryFirst: true,
                operations: () => [operation('POST', '', ['revert'], { params: { version } })],
                cancel: () => place.replaceChildren(start),
                done: result => {
                    say(`Version ${version} was undone by version ${result.version}`);
                    navigate(url('history', [result.version]));
                },
            }),
        );
    const start = h('button', { type: 'button', onclick: undo, 'data-edit': true }, 'Undo this');
    place.append(may('write', 'root') ? start : '');
    return h(
        'div',
        null,
        h('h1', null, `Version ${version}`, h('small', null, timeOf(v.time), v.user && ` by ${v.user}`)),
        h('p', null, v.description),
        h(
            'p',
            { class: 'tools' },
            h('a', { href: url('history', [Number(version) - 1]) }, 'Older'),
            h('a', { href: url('history', [Number(version) + 1]) }, 'Newer'),
            h('a', { href: url('', [], { asof: version }) }, 'The inventory as of then'),
        ),
        place,
        h('h2', null, plural(v.objects.length + v.more, 'object')),
        changes(v.objects, v.more),
    );
}

export async function historyView({ args, params, signal, following }) {
    if (args.length) return one(args[0], signal);
    following({});
    const filter = { user: params.get('user'), object: params.get('object'), before: params.get('before') };
    const driver = params.get('driver') ?? '';
    const body = await versionsOf(filter, signal);
    const all = driver ? await drivers() : {};
    if (driver)
        body.versions = body.versions.filter(v =>
            v.objects.some(o => o.object && isA(all, driverOf(o.object), driver)),
        );
    const submit = event => {
        event.preventDefault();
        navigate(here({ before: null, ...Object.fromEntries(new FormData(event.target)) }));
    };
    const box = (name, label, value) => [
        h('label', { for: `by-${name}` }, label),
        h('input', { id: `by-${name}`, name, value: value ?? '', size: 16 }),
    ];
    return h(
        'div',
        null,
        h('h1', null, 'History'),
        h(
            'form',
            { class: 'tools', onsubmit: submit },
            box('object', 'Object', filter.object),
            box('user', 'User', filter.user),
            box('driver', 'Driver', driver),
            h('button', null, 'Filter'),
        ),
        versionTable(body, before => here({ before })),
    );
}
