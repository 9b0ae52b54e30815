// attributes.js: the table of an object's attributes, each of which can be changed where it stands.
import { get, may, operation, path, textOf } from './api.js';
import { button, h, opened, table } from './dom.js';
import { editForm, field, opener, stateOf, typeField } from './edit.js';
import { attrName } from './diff.js';
import { objectLink } from './links.js';
import { nameOf } from './state.js';

const params = a =>
    Object.fromEntries(
        Object.entries({ subkey: a.subkey, number: a.number === null ? null : textOf(a.number) }).filter(
            ([, v]) => v !== null,
        ),
    );
const same = (a, b) => a.key === b.key && a.subkey === b.subkey && textOf(a.number) === textOf(b.number);

function valueNode(a) {
    if (a.datatype === 'relation' && a.value)
        return objectLink(nameOf(a.value));
    return a.value === null
        ? h('span', { class: 'quiet' }, 'no value')
        : h(
              'span',
              { class: 'value' },
              a.datatype === 'json' ? JSON.stringify(a.value, null, 1) : textOf(a.value),
          );
}

/* Where several attributes have this key, subkey and number, the row itself is replaced. */
function change(name, all, a, values) {
    const value = { value: values.value, datatype: values.datatype };
    if (all.filter(b => same(a, b)).length === 1)
        return [operation('PUT', 'attribute', [name, a.key], { params: { ...params(a), ...value } })];
    return [
        operation('DELETE', 'attribute', [name], { body: [a] }),
        operation('POST', 'attribute', [name], { params: { key: a.key, ...params(a), ...value } }),
    ];
}

function valueChanger(o, a, close, reload) {
    return editForm({
        label: `${attrName(a)} changed`,
        tag: o.tag,
        cancel: close,
        done: reload,
        conflict: () => stateOf(o.name),
        fields: [
            field(attrName(a), {
                name: 'value',
                value: textOf(a.value),
                size: Math.min(60, Math.max(16, textOf(a.value).length + 2)),
            }),
            typeField(a.datatype),
        ],
        operations: values => change(o.name, o.attrs, a, values),
    });
}

function valueDeleter(o, a, close, reload) {
    return editForm({
        label: `${attrName(a)} deleted`,
        tag: o.tag,
        cancel: close,
        done: reload,
        save: `Delete ${attrName(a)}`,
        conflict: () => stateOf(o.name),
        fields: [],
        operations: () => [operation('DELETE', 'attribute', [o.name], { body: [a] })],
    });
}

/* The keys that the object's own kind uses, to choose from. */
async function keysOf(driver) {
    const some = await get(path('entity', driver), {
        headers: {
            'Clusto-Mode': 'expanded',
            'Clusto-Contents': 'none',
            'Clusto-After': '0',
            'Clusto-Per-Page': '20',
        },
    });
    return [...new Set(some.flatMap(o => o.attrs.map(a => a.key)))].sort();
}

async function attributeAdder(o, close, reload) {
    const keys = await keysOf(o.driver).catch(() => []);
    return editForm({
        label: 'Attribute added',
        tag: o.tag,
        cancel: close,
        done: reload,
        save: 'Add',
        conflict: () => stateOf(o.name),
        fields: [
            field('Key', { name: 'key', required: true, size: 14, list: 'keys' }),
            h(
                'datalist',
                { id: 'keys' },
                keys.map(k => h('option', { value: k })),
            ),
            field('Subkey', { name: 'subkey', size: 12 }),
            field('Number', { name: 'number', size: 6 }),
            field('Value', { name: 'value', size: 30 }),
            typeField(),
        ],
        operations: v => [
            operation('POST', 'attribute', [o.name], {
                params: {
                    key: v.key,
                    value: v.value,
                    datatype: v.datatype,
                    ...(v.subkey ? { subkey: v.subkey } : {}),
                    ...(v.number ? { number: v.number } : {}),
                },
            }),
        ],
    });
}

/* One row; its form opens below it. What a manager has given is given back, not written over. */
function line(o, a, given, reload) {
    const rest = h('td');
    const fixed = given.has(`${a.key} ${textOf(a.number)}`);
    const tr = h(
        'tr',
        { 'data-row': true, class: fixed ? 'given' : null },
        h('th', { scope: 'row' }, a.key),
        h('td', null, a.subkey ?? ''),
        h('td', { class: 'n' }, a.number === null ? '' : textOf(a.number)),
        h('td', null, valueNode(a)),
        rest,
    );
    if (!may('write', 'attribute') || fixed) return tr;
    const open = make => async event => {
        const button = event.currentTarget;
        opened.note(button);
        const form = h('tr', null);
        const close = () => {
            form.remove();
            button.focus();
        };
        form.append(h('td', { colspan: 5 }, make(o, a, close, reload)));
        tr.after(form);
        form.querySelector('input, button')?.focus();
    };
    rest.append(
        button('Edit', open(valueChanger), {
            class: 'link',
            'data-edit': true,
            'aria-label': `Edit ${attrName(a)}`,
        }),
        button('Delete', open(valueDeleter), { class: 'link', 'aria-label': `Delete ${attrName(a)}` }),
    );
    return tr;
}

export function attributes(o, reload) {
    const given = new Set(
        o.attrs
            .filter(a => a.subkey === 'manager' && a.datatype === 'relation')
            .map(a => `${a.key} ${textOf(a.number)}`),
    );
    return h(
        'div',
        { class: 'attributes' },
        o.attrs.length
            ? table(
                  ['Key', 'Subkey', h('th', { scope: 'col', class: 'n' }, 'No.'), 'Value', ''],
                  o.attrs.map(a => line(o, a, given, reload)),
              )
            : h('p', { class: 'quiet' }, 'No attributes.'),
        h(
            'p',
            null,
            opener('Add attribute', close => attributeAdder(o, close, reload), 'write', 'attribute'),
        ),
    );
}
