// rows.js: what a query found, as one text for each object: small, and quick to filter and to sort.
import { query, quote } from './api.js';
import { cellOf, fieldsOf } from './columns.js';
import { h } from './dom.js';

export const SEPARATOR = '\u001f';
export const MOST_ROWS = 100000;
const order = new Intl.Collator('en', { numeric: true });
const language =
    /[=<>^~()!&|]|\b(is|isnt|attr|within|has|in|like|exists|all|contains|startswith|refers|not)\b/i;

/* Words without an operator are looked for in names. */
export const asQuery = text =>
    language.test(text)
        ? text
        : text
              .trim()
              .split(/\s+/)
              .map(w => `name ~ ${quote(w)}`)
              .join(' and ');

/* Each text is the path, then the cells. */
export class Rows {
    constructor(q, cols) {
        Object.assign(this, { q, cols, all: [], next: '0', shown: [], words: '', sort: '' });
    }
    async more(limit, signal) {
        const { rows, next } = await query(this.q, fieldsOf(this.cols), { after: this.next, limit, signal });
        for (const r of rows) this.all.push([r.path, ...this.cols.map(c => cellOf(c, r))].join(SEPARATOR));
        this.next = next;
    }
    async rest(signal, progress) {
        while (this.next && this.all.length < MOST_ROWS) {
            await this.more(5000, signal);
            progress?.();
        }
    }
    arrange() {
        const words = this.words.toLowerCase();
        this.shown = words ? this.all.filter(r => r.toLowerCase().includes(words)) : this.all.slice();
        const at = this.cols.indexOf(this.sort.replace(/^-/, '')) + 1;
        if (at < 1) return;
        const keyed = this.shown.map(r => [r.split(SEPARATOR)[at], r]);
        keyed.sort((a, b) => order.compare(a[0], b[0]));
        if (this.sort.startsWith('-')) keyed.reverse();
        this.shown = keyed.map(k => k[1]);
    }
}

/* A spreadsheet does not run what it reads here. */
const csvCell = text => `"${(/^[=+\-@]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

/* Those that are ticked, or all that pass the filter. */
export function download(rows, ticked) {
    const some = ticked?.size
        ? rows.shown.filter(r => ticked.has(r.slice(0, r.indexOf(SEPARATOR))))
        : rows.shown;
    const text =
        [rows.cols.map(csvCell), ...some.map(r => r.split(SEPARATOR).slice(1).map(csvCell))]
            .map(l => l.join(','))
            .join('\r\n') + '\r\n';
    const link = h('a', {
        href: URL.createObjectURL(new Blob([text], { type: 'text/csv' })),
        download: 'muster.csv',
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
