// preferences.js: one's own documents: a text that is checked while one types, saved only over what was read.
import { containers, me, parseJson, path, request } from './api.js';
import { button, failure, h, plural, say } from './dom.js';
import { navigate, url } from './state.js';

function complaint(text) {
    try {
        const value = JSON.parse(text);
        return value && typeof value === 'object' && !Array.isArray(value)
            ? ''
            : 'The document must be an object: { ... }';
    } catch (error) {
        return error.message;
    }
}

/* A document as a tree that opens where one looks. */
function tree(value, name, open) {
    if (value === null || typeof value !== 'object' || JSON.isRawJSON(value))
        return h('li', null, `${name}: `, h('code', null, JSON.stringify(value)));
    const members = Object.entries(value);
    const size = plural(members.length, Array.isArray(value) ? 'element' : 'member');
    return h(
        'li',
        null,
        h(
            'details',
            { open },
            h('summary', null, `${name} `, h('small', null, size)),
            h(
                'ul',
                null,
                members.map(([key, v]) => tree(v, key)),
            ),
        ),
    );
}

/* A document whatever its layout and the order of its members. */
const sorted = value =>
    value && typeof value === 'object' && !Array.isArray(value) && !JSON.isRawJSON(value)
        ? Object.fromEntries(Object.entries(value).sort((a, b) => (a[0] < b[0] ? -1 : 1)))
        : value;
const compact = text => JSON.stringify(parseJson(text), (_, value) => sorted(value));
const read = (name, signal) => request('GET', path('preferences', name), { signal, raw: true, past: false });

async function editor(name, signal, reload) {
    const { body, header } = await read(name, signal);
    let tag = header('ETag');
    const area = h('textarea', {
        rows: Math.min(40, body.split('\n').length + 4),
        spellcheck: 'false',
        id: 'document',
        'aria-describedby': 'check',
        value: body,
    });
    const check = h('p', { id: 'check', role: 'status', class: 'quiet' }),
        out = h('div');
    const test = () => {
        check.textContent = complaint(area.value) || 'This is JSON.';
        save.disabled = !!complaint(area.value);
        if (!complaint(area.value)) shown.replaceChildren(tree(parseJson(area.value), name, true));
    };
    const send = async event => {
        event.preventDefault();
        try {
            const saved = await request('PUT', path('preferences', name), {
                body: area.value,
                headers: { 'Content-Type': 'application/json', 'If-Match': tag },
            });
            tag = saved.header('ETag') ?? (await read(name)).header('ETag');
            out.replaceChildren();
            say(`${name} saved`);
        } catch (error) {
            if (error.status !== 412) return out.replaceChildren(failure(error));
            const other = await read(name);
            tag = other.header('ETag');
            /* By this very write, whose response was lost. */
            if (compact(other.body) === compact(area.value)) {
                out.replaceChildren();
                return say(`${name} saved`);
            }
            out.replaceChildren(
                h(
                    'p',
                    { class: 'error', role: 'alert' },
                    'It was changed elsewhere meanwhile. Save again to put yours in its place.',
                ),
                h('h2', null, 'What is there now'),
                h('pre', null, other.body),
                button('Take this one', () => {
                    area.value = other.body;
                    test();
                    out.replaceChildren();
                }),
            );
        }
    };
    const remove = async () => {
        try {
            await request('DELETE', path('preferences', name), { headers: { 'If-Match': tag } });
            say(`${name} deleted`);
            navigate(url('preferences'));
        } catch (error) {
            out.replaceChildren(failure(error));
        }
    };
    const save = h('button', { class: 'main' }, 'Save');
    const shown = h('ul', { 'aria-label': 'The document as a tree' });
    area.addEventListener('input', test);
    test();
    return h(
        'form',
        { onsubmit: send },
        h('h1', null, name),
        h('label', { for: 'document' }, 'Document'),
        area,
        check,
        out,
        h(
            'p',
            { class: 'tools' },
            save,
            button('Read again', reload),
            button('Delete', remove, { class: 'bad' }),
        ),
        shown,
    );
}

export async function preferencesView({ args, signal, reload }) {
    let names;
    try {
        names = await containers(signal);
    } catch (error) {
        if (error.status !== 401 || me.name) throw error;
        return h(
            'div',
            { class: 'narrow' },
            h('h1', null, 'Preferences'),
            failure(error),
            h(
                'p',
                null,
                'Preferences belong to a user: ',
                h('a', { href: url('signin', [], { to: url('preferences') }) }, 'sign in'),
                ', or let the front server ask for a password.',
            ),
        );
    }
    const box = h('input', { id: 'container', size: 20, required: true });
    const make = async event => {
        event.preventDefault();
        await request('POST', path('preferences', box.value)).then(
            () => navigate(url('preferences', [box.value])),
            error => event.target.append(failure(error)),
        );
    };
    const side = h(
        'nav',
        { 'aria-label': 'Containers' },
        h(
            'ul',
            null,
            names.map(n =>
                h(
                    'li',
                    { 'data-row': true },
                    h(
                        'a',
                        { href: url('preferences', [n]), 'aria-current': n === args[0] ? 'page' : null },
                        n,
                    ),
                ),
            ),
        ),
        h(
            'form',
            { onsubmit: make },
            h('label', { for: 'container' }, 'New container '),
            box,
            ' ',
            h('button', null, 'Create'),
        ),
    );
    return h(
        'div',
        { class: 'beside' },
        side,
        h(
            'div',
            { class: 'wide' },
            args.length
                ? await editor(args[0], signal, reload)
                : h(
                      'div',
                      null,
                      h('h1', null, 'Preferences'),
                      h(
                          'p',
                          { class: 'quiet' },
                          names.length ? 'Choose a container.' : 'You have no container yet.',
                      ),
                  ),
        ),
    );
}
