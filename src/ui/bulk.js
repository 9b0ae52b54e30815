// bulk.js: what is done with the objects that are ticked in a list.
import { operation } from './api.js';
import { button, h, plural } from './dom.js';
import { editForm, field, objectField, typeField } from './edit.js';
import { nameOf } from './state.js';

/* What is done with the rows that are ticked: seen first, in one transaction. */
export function bulk(ticked, done) {
    const bar = h('div', { class: 'tools', 'aria-label': 'Ticked objects', role: 'group' }),
        place = h('div');
    const names = () => [...ticked].map(nameOf);
    const form = (label, fields, operations) => () =>
        place.replaceChildren(
            editForm({
                label,
                save: `Change ${plural(ticked.size, 'object')}`,
                tryFirst: true,
                tag: null,
                cancel: () => place.replaceChildren(),
                done,
                fields: [
                    h(
                        'details',
                        { open: ticked.size <= 20 },
                        h('summary', null, plural(ticked.size, 'object')),
                        names().join(', '),
                    ),
                    fields(),
                ],
                operations,
            }),
        );
    const contain = action => v => [
        operation('POST', 'entity', ['entity', v.container], { params: { action, device: names() } }),
    ];
    const set = v =>
        names().map(n =>
            operation('PUT', 'attribute', [n, v.key], {
                params: { value: v.value, datatype: v.datatype, ...(v.subkey ? { subkey: v.subkey } : {}) },
            }),
        );
    const draw = () => {
        bar.hidden = !ticked.size;
        place.replaceChildren();
        bar.replaceChildren(
            h('b', null, `${plural(ticked.size, 'object')}: `),
            button(
                'Set attribute',
                form(
                    'Attribute set',
                    () => [
                        field('Key', { name: 'key', required: true }),
                        field('Subkey', { name: 'subkey' }),
                        field('Value', { name: 'value' }),
                        typeField(),
                    ],
                    set,
                ),
            ),
            button(
                'Put into',
                form('Put in', () => objectField('Container', 'container'), contain('insert')),
            ),
            button(
                'Take out of',
                form('Taken out', () => objectField('Container', 'container'), contain('remove')),
            ),
            button('Tick none', () => {
                ticked.clear();
                dispatchEvent(new Event('ticked'));
            }),
        );
    };
    draw();
    return { node: h('div', null, bar, place), draw };
}
