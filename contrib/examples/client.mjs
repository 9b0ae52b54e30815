// client.mjs: a client with fetch alone, in a browser or node 18: requests, errors, and retries that do nothing twice.
//
// usage: node client.mjs URL NAME     makes a pool NAME with two servers, and shows it

// A response with a status from 400 on: status, and message, what the server says.
export class Refused extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

const later = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

export class Muster {
    constructor(url, { token, tries = 5 } = {}) {
        Object.assign(this, { url: url.replace(/\/$/, ''), token, tries });
    }

    // { status, json }. Parameters: an object whose values may be lists.
    async request(method, path, parameters = {}, headers = {}) {
        const form = new URLSearchParams();
        for (const [name, value] of Object.entries(parameters))
            for (const one of [value].flat()) form.append(name, one);
        const init = { method, headers: { ...headers } };
        if (this.token) init.headers.Authorization = `Bearer ${this.token}`;
        let url = this.url + path;
        if (method === 'GET') {
            if (form.size ?? [...form].length) url += `?${form}`;
        } else {
            init.body = form;
            // With its key, a write that comes again is not done again: it gets the response of the first.
            init.headers['Idempotency-Key'] = crypto.randomUUID();
        }
        for (let left = this.tries - 1; ; left--) {
            let response;
            try {
                response = await fetch(url, init);
            } catch (error) {
                if (left <= 0) throw error;
                await later(1);
                continue;
            }
            const text = await response.text();
            if (response.ok) return { status: response.status, json: text ? JSON.parse(text) : null };
            if (![429, 502, 503, 504].includes(response.status) || left <= 0) {
                let message = text;
                try {
                    message = JSON.parse(text);
                } catch {}
                throw new Refused(response.status, message);
            }
            await later(Number(response.headers.get('Retry-After')) || 1);
        }
    }
}

async function main(url, name) {
    const { webcrypto } = await import('node:crypto');
    globalThis.crypto ??= webcrypto;
    const muster = new Muster(url);
    const servers = [`${name}-1`, `${name}-2`];
    const made = await muster.request('POST', '/entity/pool', { name });
    console.log(made.json[0], made.status);
    await muster.request('POST', '/entity/basicserver', { name: servers });
    await muster.request('POST', `/entity/pool/${encodeURIComponent(name)}`, { action: 'insert', device: servers });
    await muster.request('PUT', `/attribute/${encodeURIComponent(servers[0])}/owner`, { value: 'Zoë & co' },
        { 'Clusto-Description': 'an example' });
    const found = await muster.request('GET', '/query', { q: `within "${name}"`, fields: 'name,attr owner' });
    for (const row of found.json) console.log(row.name, row['attr owner'].join(', ') || "nobody's");
    try {
        await muster.request('GET', `/by-name/${encodeURIComponent(name)}-3`);
    } catch (error) {
        if (!(error instanceof Refused)) throw error;
        console.log(error.status, error.message);
    }
}

if (globalThis.process?.argv[1]?.endsWith('client.mjs')) {
    if (process.argv.length !== 4) {
        console.error('usage: node client.mjs URL NAME');
        process.exit(2);
    }
    await main(...process.argv.slice(2));
}
