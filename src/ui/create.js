// create.js: a new object; of a manager with its properties.
import { drivers, has, may, operation } from './api.js';
import { h } from './dom.js';
import { editForm, field } from './edit.js';
import { here, navigate, objectUrl, url } from './state.js';

export async function createView({ params }) {
    if (!may('write'))
        return h('div', null, h('h1', null, 'New object'), h('p', null, 'You may not create objects.'));
    const all = await drivers();
    const names = Object.keys(all)
        .filter(d => d !== 'clustometa' && (!all[d].is_manager || has('resourcemanager')))
        .sort();
    const driver = params.get('driver') ?? 'basicserver';
    const manager = all[driver]?.is_manager;
    const properties = manager ? Object.keys(all[driver].properties ?? {}) : [];
    let name;
    const form = editForm({
        label: 'Created',
        save: 'Create',
        tag: null,
        cancel: () => navigate(url('list', [driver])),
        done: () => navigate(objectUrl(name)),
        fields: [
            field('Name', { name: 'name', required: true, size: 30, 'data-focus': true, maxlength: 128 }),
            properties.map(p =>
                field(p, {
                    name: `property ${p}`,
                    size: 14,
                    placeholder: all[driver].properties[p] === null ? '' : String(all[driver].properties[p]),
                }),
            ),
        ],
        operations: v => {
            name = v.name;
            const given = Object.fromEntries(
                properties.map(p => [p, v[`property ${p}`]]).filter(([, value]) => value),
            );
            return [
                {
                    ...operation('POST', manager ? 'resourcemanager' : 'entity', [driver], {
                        params: { name, ...given },
                    }),
                    if_none_match: '*',
                },
            ];
        },
    });
    return h(
        'div',
        null,
        h('h1', null, 'New object'),
        h(
            'p',
            null,
            h('label', { for: 'driver' }, 'Driver '),
            h(
                'select',
                { id: 'driver', onchange: e => navigate(here({ driver: e.target.value }), true) },
                names.map(d => h('option', { value: d, selected: d === driver }, d)),
            ),
        ),
        form,
    );
}
