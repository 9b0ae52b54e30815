// history.js: the versions of the inventory; one of them with what it changed, and its undoing.
import { drivers, get, isA, may, operation, path } from './api.js';
import { failure, fill, h, plural, say, table, timeOf } from './dom.js';
import { changes, objectsOf, versionRow, whatOf } from './diff.js';
import { editForm } from './edit.js';
import { asOf, driverOf, here, navigate, url } from './state.js';

const PAGE = 50;

/* The latest first; none is later than the moment that is looked at. */
function versionsOf(params, signal) {
    return get(path('', 'history'), {
        params: { limit: PAGE, to: asOf() || null, ...params },
        signal,
        past: false,
    });
}
const detailed = { details: 'true' };

/* Of all objects, or what became of one. What each version did comes after the table: one of them may be large. */
function versionTable(body, details, next, about) {
    const cells = new Map(body.versions.map(v => [v.version, h('td')])),
        note = h('div');
    details.then(
        full => {
            for (const v of full.versions)
                if (cells.has(v.version))
                    fill(cells.get(v.version), null, [about ? whatOf(v, about) : objectsOf(v)]);
        },
        error => error.name !== 'AbortError' && note.append(failure(error)),
    );
    return h(
        'div',
        null,
        note,
        table(
            ['Version', 'When', 'Who', 'Why', about ? 'What' : 'Objects'],
            body.versions.map(v => versionRow(v, cells.get(v.version))),
        ),
        !body.versions.length && h('p', { class: 'quiet' }, body.next ? 'None as yet.' : 'No versions.'),
        body.next && h('p', null, h('a', { href: next(body.next) }, 'Older')),
    );
}

const versionLink = (v, text) => v && h('a', { href: url('history', [v.version]) }, text);

async function one(version, signal) {
    if (!/^\d+$/.test(version)) throw new TypeError(`"${version}" is not a version.`);
    const number = Number(version);
    const [{ versions }, later] = await Promise.all([
        versionsOf({ ...detailed, before: number + 1, limit: 2, to: null }, signal),
        versionsOf({ from: version, before: number + 201, limit: 200, to: null }, signal).catch(
            () => ({ versions: [] }),
        ),
    ]);
    /* Not every number that was taken became a version. */
    const v = versions.find(x => x.version === number);
    const neighbours = [
        versionLink(
            versions.find(x => x.version < number),
            'Older',
        ),
        versionLink(later.versions.at(-1), 'Newer'),
    ];
    if (!v)
        return h(
            'div',
            null,
            h('h1', null, `Version ${version}`),
            h('p', null, 'There is no such version.'),
            h('p', { class: 'tools' }, neighbours),
        );
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
            neighbours,
            h('a', { href: url('', [], { asof: version }) }, 'The inventory as of then'),
        ),
        place,
        h('h2', null, plural(v.objects.length + v.more, 'object')),
        changes(v.objects, v.more),
    );
}

/* Versions that changed an object of this driver or of one below it. The server can't be asked for them, so what it
   has is read until a page is full, or 1,000 versions have been looked at. Of a version that changed more objects
   than are listed nobody knows: it is shown. */
async function ofDriver(driver, filter, signal) {
    const all = await drivers(),
        found = [];
    const fits = o => o.object && isA(all, driverOf(o.object), driver);
    let next = filter.before;
    for (let asked = 0; asked < 20 && found.length < PAGE && (next || !asked); asked++) {
        const body = await versionsOf({ ...detailed, ...filter, before: next }, signal);
        for (const v of body.versions) {
            const first = v.objects.filter(fits);
            if (first.length || v.more)
                found.push({ ...v, objects: [...first, ...v.objects.filter(o => !fits(o))] });
        }
        next = body.next;
    }
    const versions = found.slice(0, PAGE);
    return { versions, next: found.length > PAGE ? versions.at(-1).version : next };
}

/* What became of one object. */
export async function historyOf(name, before, signal) {
    const filter = { object: name, before };
    const body = await versionsOf(filter, signal);
    return versionTable(
        body,
        versionsOf({ ...detailed, ...filter }, signal),
        next => here({ before: next }),
        name,
    );
}

export async function historyView({ args, params, signal, following }) {
    if (args.length) return one(args[0], signal);
    following({});
    const filter = { user: params.get('user'), object: params.get('object'), before: params.get('before') };
    const driver = params.get('driver') ?? '';
    const body = await (driver ? ofDriver(driver, filter, signal) : versionsOf(filter, signal));
    const details = driver ? Promise.resolve(body) : versionsOf({ ...detailed, ...filter }, signal);
    const submit = event => {
        event.preventDefault();
        navigate(here({ before: null, ...Object.fromEntries(new FormData(event.target)) }));
    };
    const box = (name, label, value) =>
        h('label', null, label, ' ', h('input', { name, value: value ?? '', size: 16 }));
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
        versionTable(body, details, before => here({ before })),
    );
}
