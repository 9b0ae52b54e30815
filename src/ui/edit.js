// edit.js: forms in place: try it first, save it, or hear in the server's own words why not.
import { get, may, path, query, quote, readObject, write } from './api.js';
import { button, failure, h, opened, plural, say } from './dom.js';
import { changes } from './diff.js';

let ids = 0;

export function field(label, attributes) {
    return h('label', null, label, h('input', { autocomplete: 'off', ...attributes }));
}

/* A field that offers objects while one types; the query of the candidates may be narrowed. */
export function objectField(label, name, narrow, attributes) {
    const list = h('datalist', { id: `names${++ids}` });
    let timer;
    const offer = async event => {
        const typed = event.target.value;
        if (event.inputType === 'insertReplacementText' || !typed) return;
        const { rows } = await query(
            `name ^ ${quote(typed)}${narrow ? ` and (${narrow})` : ''}`,
            'name,driver',
            { limit: 12 },
        );
        list.replaceChildren(...rows.map(r => h('option', { value: r.name }, r.driver)));
    };
    return [
        field(label, {
            name,
            list: list.id,
            required: true,
            ...attributes,
            oninput: event => {
                clearTimeout(timer);
                timer = setTimeout(() => offer(event).catch(() => {}), 120);
            },
        }),
        list,
    ];
}

export function select(label, name, options, value) {
    return h(
        'label',
        null,
        label,
        h(
            'select',
            { name },
            options.map(o => h('option', { value: o, selected: o === value }, o)),
        ),
    );
}

export const typeField = (value = 'string') =>
    select('Type', 'datatype', ['string', 'int', 'datetime', 'relation', 'json'], value);

/* A form for one change. operations(values) is what is to be done; it may throw an Error with a sentence.
   done(result) comes after; conflict(form) says what another did, where the tag did not fit. */
export function editForm({
    label,
    fields,
    operations,
    tag,
    done,
    cancel,
    save = 'Save',
    conflict,
    tryFirst,
}) {
    const out = h('div'),
        intent = {};
    const values = () => {
        const all = {};
        for (const [name, value] of new FormData(form)) all[name] = value;
        return all;
    };
    let current = tag;
    const send = async dry => {
        out.replaceChildren();
        for (const b of form.querySelectorAll('button')) b.disabled = true;
        try {
            const all = values();
            const result = await write(operations(all), { why: all.why, dry, tag: current, intent });
            if (dry) {
                out.replaceChildren(
                    h('div', { role: 'status' }, h('b', null, 'This would change'), changes(result.changes)),
                );
                if (tryFirst) saver.hidden = false;
                return;
            }
            const what =
                result.changes.length === 1 ? label : `${label}, ${plural(result.changes.length, 'object')}`;
            say(result.version ? `${what} (version ${result.version})` : 'Nothing was different.');
            done(result);
        } catch (error) {
            out.replaceChildren(failure(error));
            if (error.status === 412 && conflict) {
                const other = await conflict();
                current = other.tag;
                out.replaceChildren(
                    h(
                        'div',
                        { class: 'error', role: 'alert' },
                        'Somebody else changed this meanwhile. ',
                        other.node,
                    ),
                    h('p', null, 'Save again to put yours in its place.'),
                );
            }
        } finally {
            for (const b of form.querySelectorAll('button')) b.disabled = false;
        }
    };
    const saver = h('button', { class: 'main', hidden: tryFirst }, save);
    const form = h(
        'form',
        {
            class: 'edit',
            'data-edit-form': true,
            'aria-label': label,
            onsubmit: event => {
                event.preventDefault();
                send(!!saver.hidden);
            },
            oncancel: () => cancel(),
        },
        h(
            'div',
            { class: 'fields' },
            fields,
            field('Why (optional)', { name: 'why', size: 24, maxlength: 500 }),
            saver,
            button('Preview', () => {
                if (form.reportValidity()) send(true);
            }),
            button('Cancel', () => cancel()),
        ),
        out,
    );
    return form;
}

/* A button that opens a form in its place, and comes back with the focus. */
export function opener(text, make, role = 'write', part = 'entity', attributes = {}) {
    if (!may(role, part)) return null;
    const place = h('span');
    const close = () => {
        place.replaceChildren(open);
        open.focus();
    };
    const open = button(
        text,
        async () => {
            const form = await make(close);
            opened.note(open);
            place.replaceChildren(form);
            form.querySelector('input:not([type=hidden]), select, textarea')?.focus();
        },
        { class: 'link', 'data-open': true, ...attributes },
    );
    place.append(open);
    return place;
}

/* What became of an object since it was read: for the loser of two editors. */
export async function stateOf(name) {
    const { header } = await readObject(name, { past: false });
    const last = await get(path('', 'history'), { params: { object: name, limit: 1, details: 'true' } });
    const version = last.versions[0];
    return {
        tag: header('ETag'),
        node:
            version &&
            h(
                'div',
                null,
                `Version ${version.version}, by ${version.user ?? 'somebody'}:`,
                changes(version.objects),
            ),
    };
}
