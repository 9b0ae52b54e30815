-- schema.sql: the tables of clusto (schema version 3) where they are missing, and what muster adds.
--
-- muster --init-db runs this text in one transaction; so can whoever keeps the database:
--     psql -v ON_ERROR_STOP=1 -1 -f schema.sql inventory
-- It can be run again at any time, by several at once, and on a database made by Python clusto:
-- nothing that is there is changed or dropped. What it does it tells as notices of class MU.
--
-- The shared tables are those of Python clusto and stay so, column by column. All that is ours is
-- named muster_*; the reading half of muster works without any of it, only slower.

set local client_min_messages = notice;

-- One at a time.
do $$ begin perform pg_advisory_xact_lock(1836413812, 1); end $$;

-- Makes what is not there yet, and says so.
create or replace function pg_temp.muster_make(kind text, name text, ddl text) returns void
language plpgsql as $$
begin
    if to_regclass(name) is null then
        execute ddl;
        raise notice using errcode = 'MU001', message = format('created %s %s', kind, name);
    end if;
end $$;

do $$
begin

-- ---------------------------------------------------------------------------------------------
-- The tables that are shared with Python clusto.

perform pg_temp.muster_make('table', 'clustoversioning', '
    create table clustoversioning (
        version     serial primary key,
        "timestamp" timestamp without time zone,
        "user"      character varying(64),
        description text
    )');

perform pg_temp.muster_make('table', 'entities', '
    create table entities (
        entity_id          serial primary key,
        name               character varying(128) not null,
        type               character varying(32) not null,
        driver             character varying(32) not null,
        version            integer not null,
        deleted_at_version integer
    )');

-- Python clusto makes int_value an integer; in a fresh database it may as well hold 64 bits.
perform pg_temp.muster_make('table', 'entity_attrs', '
    create table entity_attrs (
        attr_id            serial primary key,
        entity_id          integer not null references entities (entity_id),
        key                character varying(256),
        subkey             character varying(256),
        number             integer,
        datatype           character varying(32) not null,
        int_value          bigint,
        string_value       text,
        datetime_value     timestamp without time zone,
        relation_id        integer references entities (entity_id),
        version            integer not null,
        deleted_at_version integer
    )');

perform pg_temp.muster_make('table', 'counters', '
    create table counters (
        counter_id serial primary key,
        entity_id  integer not null references entities (entity_id),
        attr_key   character varying(256),
        value      integer
    )');

perform pg_temp.muster_make('index', 'ix_clustoversioning_timestamp',
    'create index ix_clustoversioning_timestamp on clustoversioning ("timestamp")');
perform pg_temp.muster_make('index', 'idx_entity_name_version',
    'create index idx_entity_name_version on entities (name, version, deleted_at_version)');
perform pg_temp.muster_make('index', 'idx_attrs_entity_version',
    'create index idx_attrs_entity_version on entity_attrs (entity_id, version, deleted_at_version)');
perform pg_temp.muster_make('index', 'idx_attrs_key',
    'create index idx_attrs_key on entity_attrs (key)');
perform pg_temp.muster_make('index', 'idx_attrs_subkey',
    'create index idx_attrs_subkey on entity_attrs (subkey)');
perform pg_temp.muster_make('index', 'idx_attrs_str_value',
    'create index idx_attrs_str_value on entity_attrs (substring(string_value, 0, 20))');
perform pg_temp.muster_make('index', 'idx_counter_entity_attr',
    'create index idx_counter_entity_attr on counters (entity_id, attr_key)');

-- ---------------------------------------------------------------------------------------------
-- Indexes for readers. Live rows only: history is never searched by them.

-- An object's attributes; a container's members without a visit to the table.
perform pg_temp.muster_make('index', 'muster_attrs_entity',
    'create index muster_attrs_entity on entity_attrs (entity_id, key)
     where deleted_at_version is null');
perform pg_temp.muster_make('index', 'muster_attrs_contains',
    'create index muster_attrs_contains on entity_attrs (entity_id, relation_id)
     where key = ''_contains'' and deleted_at_version is null');

-- Members in the order of lists, and the containers themselves. The casts, here and below, are there to
-- be asked for (see muster_entities_driver), and so is the odd condition: to the planner of a table that
-- is still empty an index that fits more statements than it was made for is as good as the right one.
perform pg_temp.muster_make('index', 'muster_attrs_members',
    'create index muster_attrs_members on entity_attrs ((entity_id::bigint), (relation_id::bigint))
     include (entity_id, relation_id)
     where key = ''_contains'' and coalesce(deleted_at_version, -1) = -1');

-- Who contains this object, who refers to it, how much did this manager give.
perform pg_temp.muster_make('index', 'muster_attrs_reference',
    'create index muster_attrs_reference on entity_attrs (relation_id, key, (entity_id::bigint), subkey)
     where relation_id is not null and deleted_at_version is null');

-- The same of all rows, by the version that made them: for history, and for the foreign key, which reads
-- all attributes without it when a row of entities is really deleted. Not by the end: a live row would be
-- in one more index than it needs to be. The ended ones are found by muster_dead_relation.
perform pg_temp.muster_make('index', 'muster_attrs_related',
    'create index muster_attrs_related on entity_attrs (relation_id, (version + 0))
     where relation_id is not null');

-- Which of the numbers of a resource key are in use. "is true", here and in statements, is there to be asked
-- for: of a table that has grown since its statistics were made the planner takes idx_attrs_subkey for better.
perform pg_temp.muster_make('index', 'muster_attrs_given',
    'create index muster_attrs_given on entity_attrs (key, number)
     where (subkey = ''manager'') is true and deleted_at_version is null');

-- Key, and key and value, in the order of lists. A text can be longer than an index entry may be: its
-- beginning finds it.
perform pg_temp.muster_make('index', 'muster_attrs_key',
    'create index muster_attrs_key on entity_attrs (key, (entity_id::bigint)) include (entity_id, subkey)
     where coalesce(deleted_at_version, -1) = -1');
perform pg_temp.muster_make('index', 'muster_attrs_string_value',
    'create index muster_attrs_string_value on entity_attrs (key, left(string_value, 64), (entity_id::bigint))
     where string_value is not null and deleted_at_version is null');
perform pg_temp.muster_make('index', 'muster_attrs_int_value',
    'create index muster_attrs_int_value on entity_attrs (key, int_value, (entity_id::bigint))
     where int_value is not null and deleted_at_version is null');
perform pg_temp.muster_make('index', 'muster_attrs_datetime_value',
    'create index muster_attrs_datetime_value on entity_attrs (key, datetime_value, (entity_id::bigint))
     where datetime_value is not null and deleted_at_version is null');

-- Lists by driver and by type, in the order of the list. The cast is there to be asked for: it
-- keeps the planner, who can't know how rare a driver is, from walking the primary key instead.
perform pg_temp.muster_make('index', 'muster_entities_driver',
    'create index muster_entities_driver on entities (driver, (entity_id::bigint))
     where deleted_at_version is null');
perform pg_temp.muster_make('index', 'muster_entities_type',
    'create index muster_entities_type on entities (type, (entity_id::bigint))
     where deleted_at_version is null');

end $$;

-- ---------------------------------------------------------------------------------------------
-- A name is there once, and so is a counter. Python clusto never made sure of that, so that an
-- old installation may hold duplicates: it then gets an index that finds but does not refuse, and
-- the unique one by a later run, after somebody has cleared them away.

do $$
declare
    twice bigint;
begin
    if to_regclass('muster_entities_name') is null then
        lock table entities in share mode;
        select count(*) into twice
          from (select from entities where deleted_at_version is null
                 group by name having count(*) > 1) d;
        if twice = 0 then
            create unique index muster_entities_name on entities (name)
                where deleted_at_version is null;
            raise notice using errcode = 'MU001',
                message = 'created unique index muster_entities_name';
            if to_regclass('muster_entities_name_plain') is not null then
                drop index muster_entities_name_plain;
                raise notice using errcode = 'MU001',
                    message = 'dropped index muster_entities_name_plain';
            end if;
        else
            perform pg_temp.muster_make('index', 'muster_entities_name_plain',
                'create index muster_entities_name_plain on entities (name)
                 where deleted_at_version is null');
            raise notice using errcode = 'MU002', message = format(
                'left out unique index muster_entities_name: %s live names are there more than once,'
                ' muster --check-db lists them', twice);
        end if;
    end if;

    if to_regclass('muster_counters_key') is null then
        lock table counters in share mode;
        select count(*) into twice
          from (select from counters group by entity_id, attr_key having count(*) > 1) d;
        if twice = 0 then
            create unique index muster_counters_key on counters (entity_id, attr_key);
            raise notice using errcode = 'MU001',
                message = 'created unique index muster_counters_key';
        else
            raise notice using errcode = 'MU002', message = format(
                'left out unique index muster_counters_key: %s counters are there more than once,'
                ' muster --check-db lists them', twice);
        end if;
    end if;
end $$;

-- ---------------------------------------------------------------------------------------------
-- Which transaction made a version. Numbers are taken before they are visible, and not in that
-- order. A default, so that what Python clusto inserts has it too.

do $$ begin
    if not exists (select from pg_attribute
                    where attrelid = 'clustoversioning'::regclass and attname = 'muster_xid'
                      and not attisdropped) then
        alter table clustoversioning add column muster_xid xid8 default pg_current_xact_id();
        raise notice using errcode = 'MU001',
            message = 'added column muster_xid to clustoversioning';
    end if;
end $$;

-- ---------------------------------------------------------------------------------------------
-- Which versions are settled: no transaction that holds this number or a lower one is under way. A
-- transaction first has an id, then announces it in the sequence muster_high (the highest that was
-- announced), then takes its number; its row keeps the higher one of its id and of what the sequence
-- said after that. Whoever holds that number or a lower one has an id up to there, so a version is settled
-- where its muster_high is below pg_snapshot_xmin(pg_current_snapshot()): also on a standby and after a
-- crash. null, in rows from before: settled. A row that was made without the triggers never is.
--
-- Only those with lower ids need to be told of an id, as their own doesn't cover it: where none of them
-- is under way it is not announced, and nobody who comes later has one.
--
-- muster_at is when the number was taken, in a known time zone, and doesn't step back: the sequence
-- muster_clock has the latest, in microseconds since 1970. Locked first: a writer takes its number before it
-- writes elsewhere.

do $$ begin
    if not exists (select from pg_attribute
                    where attrelid = 'clustoversioning'::regclass and attname = 'muster_high'
                      and not attisdropped) then
        alter table clustoversioning add column muster_high xid8,
                                     add column muster_at timestamp with time zone;
        alter table clustoversioning alter column muster_high set default '18446744073709551615',
                                     alter column muster_at set default clock_timestamp();
        raise notice using errcode = 'MU001',
            message = 'added columns muster_high and muster_at to clustoversioning';
    end if;
    perform pg_temp.muster_make('sequence', 'muster_high', 'create sequence muster_high as bigint');
    if to_regclass('muster_clock') is null then
        perform pg_temp.muster_make('sequence', 'muster_clock', 'create sequence muster_clock as bigint');
        perform setval('muster_clock', (date_part('epoch', greatest(clock_timestamp(), max(muster_at))) * 1000000)::bigint)
           from clustoversioning;
    end if;
end $$;

-- Rows from before have only "timestamp", in the time zone of whoever wrote them: muster --init-db names
-- the one of history_time_zone. Another one than before: the index is made again.
do $$
declare
    before text := (select prosrc from pg_proc where oid = to_regprocedure(
                        'muster_taken(timestamp with time zone, timestamp without time zone)'));
    zone text := nullif(current_setting('muster.history_time_zone', true), '');
    body text := format('select coalesce($1, $2 at time zone %L)', coalesce(zone, 'UTC'));
begin
    if before is null or zone is not null and before <> body then
        perform now() at time zone coalesce(zone, 'UTC'); -- refused if there is none by that name
        drop index if exists muster_version_at;
        execute format('create or replace function muster_taken(timestamp with time zone, timestamp without time zone)'
                       ' returns timestamp with time zone language sql immutable as %L', body);
    end if;
    perform pg_temp.muster_make('index', 'muster_version_at',
        'create index muster_version_at on clustoversioning (muster_taken(muster_at, "timestamp"))');
end $$;

-- Functions that run for each write, with their owner's rights. A SET clause would take longer than all else
-- they do, so each name in them is qualified instead, of operators and types as well: the search_path is that
-- of whoever writes. @ stands for the schema of the tables.
create or replace function pg_temp.muster_make_qualified(ddl text) returns void
language plpgsql as $do$
declare
    home constant text := (select relnamespace::regnamespace::text from pg_class where oid = 'entity_attrs'::regclass);
    body text := '';
    part text;
begin
    foreach part in array string_to_array(split_part(ddl, '$$', 2), '@') loop
        -- Within a text, each quote that a name may have is written twice.
        body := case when body = '' then '' when body like '%''' then body || replace(home, '''', '''''')
                     else body || home end || part;
    end loop;
    execute split_part(ddl, '$$', 1) || quote_literal(body);
end $do$;

-- What needs no table is an expression: perform would run a query for each. There are few of them, as each
-- transaction prepares its expressions anew.
do $do$ begin

perform pg_temp.muster_make_qualified($ddl$
create or replace function muster_version_begins() returns trigger
language plpgsql security definer as $$
declare
    done pg_catalog.text;
begin
    -- From here on this transaction has an id.
    if pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) operator(pg_catalog.>=) pg_catalog.pg_current_xact_id()
            or pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8
                operator(pg_catalog.<=) pg_catalog.pg_sequence_last_value('@.muster_high') then
        return null;
    end if;
    -- Most often nobody else is in here. Within an expression a statement is cancelled only where it waits, and
    -- setval() waits for nothing once the session knows the sequence (muster.announced); whatever else may
    -- happen, a lock of the session must not stay.
    begin
        done := case when ((pg_catalog.current_setting('muster.announced', true) operator(pg_catalog.=) 'on') is true
                           or pg_catalog.pg_sequence_parameters('@.muster_high'::pg_catalog.regclass) is not null
                              and pg_catalog.set_config('muster.announced', 'on', false) is not null)
                          and pg_catalog.pg_try_advisory_lock(1836413812, 2) then
                    pg_catalog.concat(
                        pg_catalog.setval('@.muster_high', greatest(pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8,
                                                                    pg_catalog.pg_sequence_last_value('@.muster_high'))),
                        pg_catalog.pg_advisory_unlock(1836413812, 2))
                end;
    exception when others or query_canceled then
        perform pg_catalog.pg_advisory_unlock(1836413812, 2);
        raise;
    end;
    if done is null then
        -- A lock that is waited for is not of the session: it would stay where the statement is cancelled just
        -- when it was granted. Of what is undone here setval is no part, but the lock is.
        begin
            done := pg_catalog.pg_advisory_xact_lock(1836413812, 2)::pg_catalog.text;
            done := pg_catalog.setval('@.muster_high', greatest(pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8,
                                                                pg_catalog.pg_sequence_last_value('@.muster_high')))::pg_catalog.text;
            raise exception using errcode = 'MU900';
        exception when sqlstate 'MU900' then null;
        end;
    end if;
    return null;
end $$ $ddl$);

perform pg_temp.muster_make_qualified($ddl$
create or replace function muster_version_taken() returns trigger
language plpgsql stable security definer as $$
declare
    done constant pg_catalog.text := pg_catalog.set_config('muster.version', new.version::pg_catalog.text, true);
begin
    new.muster_high := greatest(pg_catalog.pg_current_xact_id(),
                                pg_catalog.pg_sequence_last_value('@.muster_high')::pg_catalog.text::pg_catalog.xid8);
    new.muster_at := pg_catalog.to_timestamp(
        pg_catalog.setval('@.muster_clock', greatest(
            (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) operator(pg_catalog.*) 1000000)::pg_catalog.int8,
            pg_catalog.pg_sequence_last_value('@.muster_clock')))
        operator(pg_catalog./) 1000000.0::pg_catalog.float8);
    return new;
end $$ $ddl$);

end $do$;

-- ---------------------------------------------------------------------------------------------
-- Taken addresses. The next free one has to be found in a range that may be full but for one, in
-- the time of an index look-up, so taken addresses are also kept as runs: muster_ip_run holds
-- lo..hi without a gap. A run never crosses a multiple of 1,024, so that a full /16 is 64 rows, and
-- many addresses taken in one transaction don't pile up versions of one row.
--
-- muster_ip counts how many live attributes hold an address (Python clusto may have given it
-- twice); its row is what orders two transactions that take or free the same address, so that runs
-- never overlap. Next to each other they may stand: who finds a neighbour locked does not wait, but
-- makes a run of its own. Addresses are in stored form (address - 2^31).
--
-- Triggers keep both, so it does not matter who writes; they fire for the key ip alone.

do $$ begin

perform pg_temp.muster_make('table', 'muster_ip', '
    create table muster_ip (
        address bigint primary key,
        uses    integer not null
    ) with (fillfactor = 70)');

perform pg_temp.muster_make('table', 'muster_ip_run', '
    create table muster_ip_run (
        lo bigint primary key,
        hi bigint not null,
        check (lo <= hi and lo >> 10 = hi >> 10)
    ) with (fillfactor = 50)');

end $$;

create or replace function muster_ip_add(x bigint) returns void
language plpgsql as $$
declare
    count integer;
    below bigint;
    above bigint;
begin
    insert into muster_ip as t (address, uses) values (x, 1)
        on conflict (address) do update set uses = t.uses + 1
        returning uses into count;
    if count > 1 then
        return;
    end if;
    -- Most often it is the next one of a run.
    update muster_ip_run r set hi = x from (
        select lo from muster_ip_run where lo >= (x >> 10) << 10 and lo < x and hi = x - 1
           for update skip locked) as run
     where r.lo = run.lo and not exists (select from muster_ip_run where lo = x + 1);
    if found then
        return;
    end if;
    select lo into below from muster_ip_run
     where lo >= (x >> 10) << 10 and lo < x and hi = x - 1
       for update skip locked;
    select hi into above from muster_ip_run
     where lo = x + 1 and lo >> 10 = x >> 10
       for update skip locked;
    if above is not null and below is not null then
        delete from muster_ip_run where lo = x + 1;
        update muster_ip_run set hi = above where lo = below;
    elsif below is not null then
        update muster_ip_run set hi = x where lo = below;
    elsif above is not null then
        update muster_ip_run set lo = x where lo = x + 1;
    else
        insert into muster_ip_run (lo, hi) values (x, x) on conflict (lo) do nothing;
    end if;
end $$;

create or replace function muster_ip_remove(x bigint) returns void
language plpgsql as $$
declare
    count integer;
    run record;
begin
    update muster_ip set uses = uses - 1 where address = x returning uses into count;
    if not found or count > 0 then
        return;
    end if;
    delete from muster_ip where address = x;
    loop
        -- Who waits here may find that the run was split or merged by the one it waited for.
        select lo, hi into run from muster_ip_run
         where lo >= (x >> 10) << 10 and lo <= x and hi >= x
           for update;
        exit when found;
        if not exists (select from muster_ip_run
                        where lo >= (x >> 10) << 10 and lo <= x and hi >= x) then
            return;
        end if;
    end loop;
    if run.lo = run.hi then
        delete from muster_ip_run where lo = run.lo;
    elsif x = run.lo then
        update muster_ip_run set lo = x + 1 where lo = run.lo;
    else
        update muster_ip_run set hi = x - 1 where lo = run.lo;
        if x < run.hi then
            insert into muster_ip_run (lo, hi) values (x + 1, run.hi);
        end if;
    end if;
end $$;

-- With the rights of its owner: whoever may write attributes need not know of these tables.
create or replace function muster_ip_changed() returns trigger
language plpgsql security definer as $$
begin
    if tg_op <> 'INSERT' and old.key = 'ip' and old.subkey is null and old.datatype = 'int'
            and old.deleted_at_version is null
            and old.int_value between -2147483648 and 2147483647 then
        perform muster_ip_remove(old.int_value);
    end if;
    if tg_op <> 'DELETE' and new.key = 'ip' and new.subkey is null and new.datatype = 'int'
            and new.deleted_at_version is null
            and new.int_value between -2147483648 and 2147483647 then
        perform muster_ip_add(new.int_value);
    end if;
    return null;
end $$;

create or replace function muster_ip_truncated() returns trigger
language plpgsql security definer as $$
begin
    delete from muster_ip;
    delete from muster_ip_run;
    return null;
end $$;

-- The first free address from `first` to `last`; null: none.
create or replace function muster_ip_free(first bigint, last bigint) returns bigint
language plpgsql stable as $$
declare
    run record;
    free bigint;
begin
    if first > last then
        return null;
    end if;
    select lo, hi into run from muster_ip_run where lo <= first order by lo desc limit 1;
    if not found or run.hi < first then
        return first;
    end if;
    select r.hi + 1 into free from muster_ip_run r
     where r.lo >= run.lo and r.lo <= last
       and not exists (select from muster_ip_run n where n.lo = r.hi + 1)
     order by r.lo limit 1;
    return case when free <= last then free end;
end $$;

-- The same, claimed for this transaction (see muster_lock() for the lock; the shared one keeps an import of
-- very many away), without the gateway and without those that others are giving, of which `met` tells.
create or replace function muster_ip_take(first bigint, last bigint, gateway bigint, out address bigint, out met boolean)
language plpgsql set enable_seqscan = off as $$
begin
    met := false;
    for tries in 1..64 loop
        address := muster_ip_free(first, last);
        exit when address is null;
        first := address + 1;
        continue when address = gateway;
        if pg_try_advisory_xact_lock_shared(1836413812, 17)
                and pg_try_advisory_xact_lock(hashtextextended('ip=' || address, 3)) then
            -- What was committed before it was granted is seen by this query, which comes after it.
            exit when not exists (
                select from entity_attrs a
                 where a.key = 'ip' and (a.subkey is null) is true and a.deleted_at_version is null
                   and a.int_value = muster_ip_take.address);
        end if;
        address := null;
        met := true;
    end loop;
end $$;

revoke execute on function muster_ip_add(bigint), muster_ip_remove(bigint), muster_ip_changed(),
    muster_ip_truncated() from public;

-- Whatever search_path or temporary tables the writer has.
do $$
declare
    home regnamespace := (select relnamespace from pg_class where oid = 'entity_attrs'::regclass);
begin
    execute format('alter function muster_ip_changed() set search_path = %s, pg_temp', home);
    execute format('alter function muster_ip_truncated() set search_path = %s, pg_temp', home);
    alter function muster_ip_changed() set enable_seqscan = off; -- as its plans are kept
end $$;

-- A trigger that was dropped or is off is made again; what was written meanwhile is taken in below. An update that
-- touches none of the columns, or another key, costs nothing.
do $$ begin
    if (select count(*) from pg_trigger
         where tgrelid = 'entity_attrs'::regclass and tgname like 'muster\_ip\_%'
           and tgenabled in ('O', 'A')) < 4 then
        create or replace trigger muster_ip_insert after insert on entity_attrs
            for each row when (new.key = 'ip' and new.subkey is null)
            execute function muster_ip_changed();
        create or replace trigger muster_ip_update
            after update of key, subkey, datatype, int_value, deleted_at_version on entity_attrs
            for each row when (old.key = 'ip' or new.key = 'ip')
            execute function muster_ip_changed();
        create or replace trigger muster_ip_delete after delete on entity_attrs
            for each row when (old.key = 'ip' and old.subkey is null)
            execute function muster_ip_changed();
        create or replace trigger muster_ip_truncate after truncate on entity_attrs
            for each statement execute function muster_ip_truncated();
        raise notice using errcode = 'MU001',
            message = 'created triggers muster_ip_* on entity_attrs';
    end if;
end $$;

-- Both lists as the attributes say, if they are not so already.
do $$
declare
    wrong bigint;
begin
    lock table entity_attrs in share row exclusive mode;
    lock table muster_ip, muster_ip_run in share row exclusive mode;
    create temporary table muster_ip_now on commit drop as
        select int_value::bigint as address, count(*)::integer as uses
          from entity_attrs
         where key = 'ip' and subkey is null and datatype = 'int' and deleted_at_version is null
           and int_value between -2147483648 and 2147483647
         group by int_value;
    create temporary table muster_ip_run_now on commit drop as
        select min(address) as lo, max(address) as hi
          from (select address, address >> 10 as block,
                       address - row_number() over (partition by address >> 10 order by address)
                           as island
                  from muster_ip_now) a
         group by block, island;
    select (select count(*) from (table muster_ip_now except table muster_ip) x)
         + (select count(*) from (table muster_ip except table muster_ip_now) x)
         + (select count(*) from (table muster_ip_run_now except table muster_ip_run) x)
         + (select count(*) from (table muster_ip_run except table muster_ip_run_now) x)
      into wrong;
    if wrong > 0 then
        delete from muster_ip;
        delete from muster_ip_run;
        insert into muster_ip select * from muster_ip_now;
        insert into muster_ip_run select * from muster_ip_run_now;
        raise notice using errcode = 'MU001', message = format(
            'listed %s taken addresses in %s runs', (select count(*) from muster_ip),
            (select count(*) from muster_ip_run));
    end if;
    drop table muster_ip_now, muster_ip_run_now;
end $$;

-- ---------------------------------------------------------------------------------------------
-- Beside Python clusto. It reads, decides and writes without a lock, replaces rows by deleting and
-- inserting them, and really deletes objects. These triggers order its writes with muster's, so that
-- muster never takes what Python has taken but not committed, and keep what it leaves behind sound.
-- None of them refuses a write.

do $$ begin

-- Where each counter of resources was when muster last took a number from it.
perform pg_temp.muster_make('table', 'muster_number', '
    create table muster_number (
        key   text primary key,
        value integer not null
    )');

-- The keys under which managers give resources.
perform pg_temp.muster_make('table', 'muster_resource_key', '
    create table muster_resource_key (
        key text primary key
    )');

end $$;

-- The locks that decide who is first are of the transaction, and by a hash of a text. The server's
-- lock table is small: one transaction takes as many as this, after that only the unique indexes and
-- muster_ip order it with others.
do $do$ begin

perform pg_temp.muster_make_qualified($ddl$
create or replace function muster_lock(what text) returns void
language plpgsql as $$
declare
    held constant pg_catalog.int4 := pg_catalog.concat('0', pg_catalog.current_setting('muster.locks', true))::pg_catalog.int4;
begin
    if held operator(pg_catalog.<) 256 then
        perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(what, 3)),
                pg_catalog.set_config('muster.locks', (held operator(pg_catalog.+) 1)::pg_catalog.text, true);
    end if;
end $$ $ddl$);

end $do$;

-- The version of this transaction; who has none gets one.
create or replace function muster_version() returns integer
language plpgsql security definer as $$
declare
    own integer := nullif(current_setting('muster.version', true), '')::integer;
begin
    if own is null then
        insert into clustoversioning ("timestamp", "user", description)
        values (now() at time zone 'UTC', left(session_user, 64), 'written past the service by '
                || coalesce(nullif(current_setting('application_name'), ''), 'somebody'))
        returning version into own;
    end if;
    return own;
end $$;

-- A resource that is given, the units of a rack that are taken, a port that is connected: whoever is
-- first is waited for. muster takes the same locks before it looks what is free; of the resource that is
-- in muster.claimed it has both.
-- Its arguments are the keys of resources. Conditions of triggers are read anew by each statement, which
-- costs more than to call a function that has nothing to do: they are as short as can be.
do $do$ begin

perform pg_temp.muster_make_qualified($ddl$
create or replace function muster_claim() returns trigger
language plpgsql security definer as $$
declare
    value pg_catalog.text;
begin
    if new.deleted_at_version is not null then
        return new;
    elsif new.subkey is null then
        if new.key operator(pg_catalog.=) any (tg_argv) then
            value := pg_catalog.concat(new.key, '=', coalesce(new.string_value, new.int_value::pg_catalog.text));
            if (pg_catalog.concat(value, '#', new.number) operator(pg_catalog.=) pg_catalog.current_setting('muster.claimed', true))
                    is not true then
                perform @.muster_lock(value);
                if new.number is not null then
                    perform @.muster_lock(pg_catalog.concat(new.key, '#=', new.number));
                end if;
            end if;
        end if;
    elsif new.subkey operator(pg_catalog.=) 'ru' and new.key operator(pg_catalog.=) '_contains' then
        perform @.muster_lock(pg_catalog.concat('rack=', new.entity_id));
    elsif new.subkey operator(pg_catalog.=) 'connection' and new.key operator(pg_catalog.~~) 'port-%' then
        perform @.muster_lock(pg_catalog.concat('port=', new.entity_id, '/', new.key, '#', new.number));
    end if;
    return new;
end $$ $ddl$);

end $do$;

-- A counter is there once. Whoever inserts it without having seen that another has just done so goes
-- on with that row, under its id, and with the greater value; muster looks again.
create or replace function muster_counter_insert() returns trigger
language plpgsql security definer as $$
declare
    id integer;
    high integer;
begin
    perform muster_lock(concat('counter=', new.entity_id, '/', new.attr_key));
    select min(counter_id), max(value) into id, high
      from counters where entity_id = new.entity_id and attr_key = new.attr_key;
    if id is null then
        return new;
    elsif current_setting('muster.counts', true) = 'on' then
        return null;
    end if;
    delete from counters where entity_id = new.entity_id and attr_key = new.attr_key;
    new.counter_id := id;
    new.value := greatest(new.value, high);
    return new;
end $$;

-- Python writes the value that it read plus one, whatever it is by now: numbers don't go back.
create or replace function muster_counter_update() returns trigger
language plpgsql as $$
begin
    if old.attr_key <> 'next' then
        new.value := old.value;
    end if;
    return new;
end $$;

-- A manager has one live _lastip: at the end of a transaction that inserted one, others go. One that
-- muster is just writing is waited for; not for longer than this, as a transaction that replaces it
-- may itself wait for this one, and comes here later.
create or replace function muster_last_alone(manager integer, newest integer) returns void
language plpgsql set lock_timeout = '100ms' as $$
begin
    delete from entity_attrs
     where entity_id = manager and key = '_lastip' and (subkey is null) is true
       and deleted_at_version is null and attr_id <> newest;
end $$;

create or replace function muster_last_inserted() returns trigger
language plpgsql security definer as $$
begin
    if new.subkey is not null or new.deleted_at_version is not null then
        return null;
    end if;
    perform muster_lock(concat('_lastip=', new.entity_id));
    if not exists (select from entity_attrs
                    where attr_id = new.attr_id and deleted_at_version is null) then
        return null;
    end if;
    begin
        perform muster_last_alone(new.entity_id, new.attr_id);
    exception when lock_not_available then
        delete from entity_attrs where attr_id in (
            select attr_id from entity_attrs
             where entity_id = new.entity_id and key = '_lastip' and (subkey is null) is true
               and deleted_at_version is null and attr_id <> new.attr_id
               for update skip locked);
    end;
    return null;
end $$;

-- What an object leaves behind at its death: rows that came while it was being deleted.
create or replace function muster_end_of(id integer, at integer) returns void
language plpgsql as $$
begin
    update entity_attrs set deleted_at_version = greatest(at, version)
     where entity_id = id and deleted_at_version is null;
    update entity_attrs set deleted_at_version = greatest(at, version)
     where relation_id = id and deleted_at_version is null;
    delete from counters where entity_id = id;
end $$;

create or replace function muster_entity_ended() returns trigger
language plpgsql security definer as $$
begin
    perform muster_end_of(new.entity_id, new.deleted_at_version);
    return null;
end $$;

-- The history of an object, which refers to it, outlives it: a row that is deleted is put back as one
-- that has ended; with keep_history (below) always. The name sorts before RI_ConstraintTrigger: the
-- foreign key looks after this, and the writer is told that its row was deleted.
create or replace function muster_keep_erased_entity() returns trigger
language plpgsql security definer as $$
declare
    keeps constant boolean := muster_keeps();
    number integer;
begin
    if current_setting('muster.prunes', true) = 'on' then
        if keeps then
            perform muster_erases(old.deleted_at_version);
        end if;
        return null;
    end if;
    delete from counters where entity_id = old.entity_id;
    number := coalesce(old.deleted_at_version, muster_version());
    if keeps and old.version <> number
            or exists (select from entity_attrs where entity_id = old.entity_id)
            or exists (select from entity_attrs where relation_id = old.entity_id) then
        insert into entities (entity_id, name, type, driver, version, deleted_at_version)
        values (old.entity_id, old.name, old.type, old.driver, old.version, number);
        perform muster_end_of(old.entity_id, number);
    end if;
    return null;
end $$;

-- A row that waited for the death of its object: it ends with it.
create or replace function muster_end_late(ids integer[]) returns void
language plpgsql as $$
begin
    update entity_attrs a set deleted_at_version = greatest(e.deleted_at_version, a.version)
      from entities e
     where a.attr_id = any(ids) and a.deleted_at_version is null
       and e.entity_id in (a.entity_id, a.relation_id) and e.deleted_at_version is not null;
end $$;

-- The next numbers for what managers give under a key, the first of so many, without waiting for whoever holds
-- the counter: then they are some that a transaction won't come to.
create or replace function muster_reserve(resource_key text, amount integer) returns integer
language plpgsql security definer as $$
declare
    gap constant integer := 1000;
    meta integer;
    counter record;
    n integer;
begin
    -- Nearly always both are there, and nobody holds the counter.
    with free as materialized (
        select c.counter_id, c.value from counters c
         where c.attr_key = resource_key and c.entity_id = (
            select e.entity_id from entities e
             where e.name = 'clustometa' and e.deleted_at_version is null order by e.entity_id limit 1)
         order by c.counter_id limit 1 for update skip locked),
    taken as (
        update muster_number m set value = greatest(m.value, free.value) + amount
          from free where m.key = resource_key returning m.value)
    update counters c set value = taken.value from taken, free where c.counter_id = free.counter_id
    returning c.value - amount into n;
    if found then
        return n;
    end if;
    insert into muster_number (key, value) values (resource_key, 0) on conflict do nothing;
    select value into n from muster_number where key = resource_key for update;
    select entity_id into meta from entities
     where name = 'clustometa' and deleted_at_version is null order by entity_id limit 1;
    if meta is null then
        return null;
    end if;
    select counter_id, value into counter from counters
     where entity_id = meta and attr_key = resource_key order by counter_id limit 1
       for update skip locked;
    if found then
        n := greatest(n, counter.value);
        update counters set value = n + amount where counter_id = counter.counter_id;
    else
        select max(value) into counter.value from counters
         where entity_id = meta and attr_key = resource_key;
        if counter.value is null and pg_try_advisory_xact_lock(
                hashtextextended(concat('counter=', meta, '/', resource_key), 3)) then
            perform set_config('muster.counts', 'on', true);
            insert into counters (entity_id, attr_key, value) values (meta, resource_key, n + amount);
        else
            n := greatest(n, coalesce(counter.value, 0) + gap);
        end if;
    end if;
    update muster_number set value = n + amount where key = resource_key;
    return n;
end $$;

revoke execute on function muster_claim(), muster_counter_insert(), muster_counter_update(),
    muster_last_alone(integer, integer), muster_last_inserted(), muster_end_of(integer, integer),
    muster_entity_ended(), muster_keep_erased_entity(), muster_end_late(integer[]) from public;

do $$
declare
    home regnamespace := (select relnamespace from pg_class where oid = 'entity_attrs'::regclass);
    f text;
begin
    foreach f in array array['muster_counter_insert()', 'muster_last_inserted()', 'muster_entity_ended()',
            'muster_keep_erased_entity()', 'muster_end_late(integer[])', 'muster_reserve(text, integer)']
    loop
        execute format('alter function %s set search_path = %s, pg_temp', f, home);
    end loop;
    -- Plans are kept, perhaps of a time when there were few rows: they look each up by its key.
    alter function muster_reserve(text, integer) set enable_seqscan = off;
end $$;

-- The keys are those of the drivers: muster --init-db names those that the configuration adds.
do $$
declare
    fresh integer;
    keys text;
    taking constant text := 'new.number is not null or new.subkey is null'; -- units and ports have numbers
    t record;
    made integer := 0;
begin
    insert into muster_resource_key (key)
    select distinct key from unnest(array['ip', 'resource', 'simplename']
        || string_to_array(nullif(current_setting('muster.resource_keys', true), ''), ',')) as k(key)
    on conflict do nothing;
    get diagnostics fresh = row_count;
    select string_agg(quote_literal(key), ', ' order by key) into keys from muster_resource_key;
    for t in
        select * from (values
            ('muster_claim_insert', 'trigger', 'before insert on entity_attrs', '',
             taking, 'muster_claim'),
            ('muster_claim_update', 'trigger',
             'before update of key, subkey, deleted_at_version on entity_attrs',
             '', taking, 'muster_claim'),
            ('muster_last_insert', 'constraint trigger', 'after insert on entity_attrs',
             'deferrable initially deferred', 'new.key = ''_lastip''', 'muster_last_inserted'),
            ('muster_counter_insert', 'trigger', 'before insert on counters', '', 'true',
             'muster_counter_insert'),
            ('muster_counter_update', 'trigger', 'before update of value on counters', '',
             'new.value < old.value', 'muster_counter_update'),
            ('muster_entity_ended', 'trigger', 'after update of deleted_at_version on entities', '',
             'old.deleted_at_version is null and new.deleted_at_version is not null',
             'muster_entity_ended'),
            ('MUSTER_keep_erased', 'trigger', 'after delete on entities', '', 'true',
             'muster_keep_erased_entity')
        ) as v(name, kind, event, defer, condition, func)
    loop
        continue when (fresh = 0 or t.func <> 'muster_claim') and exists (
            select from pg_trigger where tgname = t.name and tgenabled in ('O', 'A')
               and (t.func <> 'muster_claim' or tgnargs > 0)
               and tgrelid = substring(t.event from ' on (\w+)$')::regclass);
        execute format('drop trigger if exists %I on %s', t.name,
                       substring(t.event from ' on (\w+)$'));
        execute format('create %s %I %s %s for each row when (%s) execute function %I(%s)',
                       t.kind, t.name, t.event, t.defer, t.condition, t.func,
                       case when t.func = 'muster_claim' then keys end);
        made := made + 1;
    end loop;
    if made > 0 then
        raise notice using errcode = 'MU001',
            message = format('created %s triggers for writers beside muster', made);
    end if;
end $$;

-- Managers that have more than one live _lastip can't be used by Python: the newest stays.
do $$
declare
    gone bigint;
begin
    delete from entity_attrs a using (
        select entity_id, max(attr_id) as newest from entity_attrs
         where key = '_lastip' and subkey is null and deleted_at_version is null
         group by entity_id having count(*) > 1) m
     where a.entity_id = m.entity_id and a.attr_id < m.newest and a.key = '_lastip'
       and a.subkey is null and a.deleted_at_version is null;
    get diagnostics gone = row_count;
    if gone > 0 then
        raise notice using errcode = 'MU001',
            message = format('removed %s superfluous _lastip of managers that had several', gone);
    end if;
end $$;

-- ---------------------------------------------------------------------------------------------
-- Preferences: a document for each user and container. Revisions come from a sequence, so that none
-- comes twice, whatever is deleted and made again. Texts are compared byte by byte. The size that
-- limits and quotas count is that of the JSON text, which PostgreSQL keeps with the row.

do $$ begin

perform pg_temp.muster_make('sequence', 'muster_preferences_revision',
    'create sequence muster_preferences_revision');

perform pg_temp.muster_make('table', 'muster_preferences', '
    create table muster_preferences (
        user_id   text collate "C" not null check (octet_length(user_id) between 1 and 255),
        container text collate "C" not null check (octet_length(container) between 1 and 1024),
        document  jsonb not null check (jsonb_typeof(document) = ''object''),
        revision  bigint not null,
        bytes     integer not null generated always as (octet_length(document::text)) stored,
        primary key (user_id, container)
    )');

end $$;

-- A second line behind the statements, which all name the user: a row is there only for a session
-- that said for whom it is working. FORCE, as the owner of a table is otherwise asked nothing;
-- superusers and roles with BYPASSRLS are not bound. Who dumps this database has to be one of them.
do $$ begin
    if not exists (select from pg_policy where polrelid = 'muster_preferences'::regclass
                      and polname = 'muster_own') then
        create policy muster_own on muster_preferences
            using (user_id = current_setting('muster.user_id', true))
            with check (user_id = current_setting('muster.user_id', true));
        alter table muster_preferences enable row level security;
        alter table muster_preferences force row level security;
        raise notice using errcode = 'MU001',
            message = 'made rows of muster_preferences visible to their users only';
    end if;
end $$;

-- ---------------------------------------------------------------------------------------------
-- Responses to writes that were sent with a key, to be given again: who, key and the hash of the request
-- first, which holds the key until the transaction ends; the response last.

do $$ begin

perform pg_temp.muster_make('table', 'muster_idempotency', '
    create table muster_idempotency (
        who     text collate "C" not null,
        key     text collate "C" not null,
        request bytea not null check (octet_length(request) = 32),
        status  integer,
        headers text,
        body    text,
        at      timestamp with time zone not null default now(),
        primary key (who, key)
    )');
perform pg_temp.muster_make('index', 'muster_idempotency_at',
    'create index muster_idempotency_at on muster_idempotency (at)');

end $$;

-- ---------------------------------------------------------------------------------------------
-- Which primaries there have been: muster gives each timeline a number of its own when it first reads from
-- standbys. A standby that has the row follows that primary; one that has come further on a timeline that
-- was given up has not.

do $$ begin

perform pg_temp.muster_make('table', 'muster_primary', '
    create table muster_primary (
        timeline integer primary key,
        lineage  bigint not null
    )');

end $$;

-- ---------------------------------------------------------------------------------------------
-- Bearer tokens. Of a token itself there is only a hash, made with a key that is not in here.

do $$ begin

perform pg_temp.muster_make('table', 'muster_token', '
    create table muster_token (
        id        text collate "C" primary key,
        hash      bytea not null check (octet_length(hash) = 32),
        owner     text collate "C" not null check (octet_length(owner) between 1 and 255),
        scopes    text[] not null,
        networks  text[] not null,
        made      timestamp with time zone not null default now(),
        expires   timestamp with time zone,
        revoked   timestamp with time zone,
        last_used timestamp with time zone
    )');

end $$;

-- ---------------------------------------------------------------------------------------------
-- What was changed, for caches and for readers of changes: a key for each changed thing beside the
-- transaction that changed it. Keys: an entity's id; for preferences a hash of the user; 0: everything.
-- Rows that nobody needs any more are pruned; muster_pruned says up to where.
--
-- A cache that knows a snapshot asks for the rows that it does not see: the order of the numbers does
-- not matter, nor when who committed. Readers of changes need each of them once, in an order in which
-- they can be applied. `seq` is taken while the changed rows are locked, so that of two changes that
-- meet the later one has the higher number. `kind`: of an object c created, d deleted, n renamed (or of
-- another driver or type), a attributes, r referred to by what was changed; p preferences of `owner`,
-- `name` being the container; * everything may have changed; z nothing that is told. `name` of an
-- object: what it was called before.
--
-- muster_point holds snapshots that were taken on the primary and are told to readers: what one shows
-- and the one before does not is read by its transactions, however long others have been under way. A
-- snapshot of a standby doesn't say which they are, so there the replicated ones are used, which are
-- committed after all that they show. `nonce` tells a point from one of the same number that was lost
-- in a failover; `watch` says which triggers were on.
--
-- Triggers fill it whoever writes, also with session_replication_role = replica. An object's answer
-- shows its attributes, what refers to it, and the names of both ends: a change of any marks it.
--
-- What comes to refer to an object while its name is changed can't be seen from in here, as it may be
-- committed only after this looked and before the change is. So two rules: who makes a live reference
-- holds both of its ends (FOR KEY SHARE, as foreign keys do, but for all writers and for references
-- that are brought back, too); and what an object is called or whether it lives changes everything,
-- unless it was held against that (FOR UPDATE) before its referrers were looked for. muster's
-- deletions do that and say so in muster.deletes.

do $$
declare
    t text;
begin

perform pg_temp.muster_make('table', 'muster_change', '
    create table muster_change (
        xid xid8 not null default pg_current_xact_id(),
        key bigint not null
    )');
perform pg_temp.muster_make('index', 'muster_change_xid',
    'create index muster_change_xid on muster_change (xid) include (key)');
perform pg_temp.muster_make('table', 'muster_point', '
    create table muster_point (
        point    bigint primary key,
        snapshot pg_snapshot not null,
        nonce    integer not null default (random() * 2147483647)::integer,
        made     timestamp with time zone not null default clock_timestamp(),
        watch    text not null
    )');
perform pg_temp.muster_make('table', 'muster_pruned', '
    create table muster_pruned (
        below xid8 not null
    )');
perform pg_temp.muster_make('table', 'muster_count', '
    create table muster_count (
        driver text not null,
        type   text not null,
        n      bigint not null
    )');
-- Their rows have no key, and rows without one can't be updated or deleted while a publication FOR ALL
-- TABLES (logical replication, Debezium) publishes them.
for t in select unnest(array['muster_change', 'muster_pruned', 'muster_count'])
loop
    continue when (select relreplident = 'f' from pg_class where oid = t::regclass);
    execute format('alter table %I replica identity full', t);
    raise notice using errcode = 'MU001', message = format('set replica identity of table %s', t);
end loop;
insert into muster_pruned (below)
select pg_snapshot_xmin(pg_current_snapshot()) where not exists (select from muster_pruned);

end $$;

-- Nobody is writing while the columns are added: no writer can wait for this table and be waited for.
do $$ begin
    perform pg_temp.muster_make('sequence', 'muster_change_seq', 'create sequence muster_change_seq');
    if not exists (select from pg_attribute where attrelid = 'muster_change'::regclass
                      and attname = 'seq' and not attisdropped) then
        lock table clustoversioning, entities, entity_attrs, muster_preferences
            in share row exclusive mode;
        alter table muster_change add column seq bigint,
                                  add column kind "char" not null default 'z',
                                  add column version integer,
                                  add column owner text collate "C",
                                  add column name text collate "C";
        alter table muster_change alter column seq set default nextval('muster_change_seq');
        raise notice using errcode = 'MU001', message = 'added columns to muster_change';
    end if;
    perform pg_temp.muster_make('index', 'muster_change_user',
        'create index muster_change_user on muster_change (key, xid) where kind = ''p''');
    perform pg_temp.muster_make('index', 'muster_change_all',
        'create index muster_change_all on muster_change (xid) where kind = ''*''');
end $$;

-- Holds objects, whose ids are in order: is one of them dead? Plans are kept, perhaps of a time when there were
-- few: they look each up by its key.
create or replace function muster_hold(ids integer[]) returns boolean
language plpgsql as $$
declare
    dead boolean;
begin
    select bool_or(e.deleted_at_version is not null) into dead
      from unnest(ids) as held(id)
     cross join lateral (select deleted_at_version from entities where entity_id = held.id for key share) as e;
    return dead;
end $$;

create or replace function muster_any_dead(ids integer[]) returns boolean
language plpgsql as $$
begin
    return exists (select from unnest(ids) as held(id) cross join lateral (
        select from entities where entity_id = held.id and deleted_at_version is not null limit 1) as e);
end $$;

do $do$ begin

-- Of a change of attributes; bookkeeping is not told.
perform pg_temp.muster_make_qualified($ddl$
create or replace function muster_attr_kind(key text) returns text
language sql immutable as $$
    select case when key operator(pg_catalog.~~) '\_%' and key operator(pg_catalog.<>) '_contains' then 'z' else 'a' end
$$ $ddl$);

-- "added" and "gone" are the rows after and before; each event's trigger has those that it can have.
-- Of an object there is one row for each statement. What has ended is deleted by pruning only, which is
-- no change.
-- muster.told: of how many more events muster tells with the statement that causes them (see
-- src/store/change_sql.c); what is done below it by somebody else's triggers is told here.
perform pg_temp.muster_make_qualified($ddl$
create or replace function muster_attrs_changed() returns trigger
language plpgsql security definer as $$
declare
    own pg_catalog.int4;
    refers pg_catalog.bool;
begin
    if pg_catalog.pg_trigger_depth() operator(pg_catalog.=) 1
            and coalesce(pg_catalog.current_setting('muster.told', true), '') operator(pg_catalog.>) ''
            and pg_catalog.set_config('muster.told', pg_catalog.left('1',
                pg_catalog.current_setting('muster.told')::pg_catalog.int4 operator(pg_catalog.-) 1), true) is not null then
        return null;
    end if;
    own := case when pg_catalog.current_setting('muster.version', true) operator(pg_catalog.<>) ''
                then pg_catalog.current_setting('muster.version')::pg_catalog.int4 end;
    if tg_op operator(pg_catalog.=) 'INSERT' then
        insert into @.muster_change (key, kind, version)
        select id, pg_catalog.min(kind)::pg_catalog."char", own from (
            select entity_id as id, @.muster_attr_kind(key) as kind from added
            union all select relation_id, 'r' from added where relation_id is not null) as t
         group by id;
    elsif tg_op operator(pg_catalog.=) 'UPDATE' then
        insert into @.muster_change (key, kind, version)
        select id, pg_catalog.min(kind)::pg_catalog."char", own from (
            select entity_id as id, @.muster_attr_kind(key) as kind from added
            union all select relation_id, 'r' from added where relation_id is not null
            union all select entity_id, @.muster_attr_kind(key) from gone
            union all select relation_id, 'r' from gone where relation_id is not null) as t
         group by id;
    else
        insert into @.muster_change (key, kind, version)
        select id, pg_catalog.min(kind)::pg_catalog."char", own from (
            select entity_id as id, @.muster_attr_kind(key) as kind from gone
             where deleted_at_version is null
            union all select relation_id, 'r' from gone
             where relation_id is not null and deleted_at_version is null) as t
         group by id;
        return null;
    end if;
    refers := exists (select from added where relation_id is not null and deleted_at_version is null);
    if tg_op operator(pg_catalog.=) 'UPDATE' then
        if refers then
            perform @.muster_hold(array(
                select entity_id as id from added where relation_id is not null and deleted_at_version is null
                union select relation_id from added where relation_id is not null and deleted_at_version is null
                order by 1));
        end if;
    -- Did a row wait for the death of its object?
    elsif (case when refers then @.muster_hold(array(
                    select entity_id as id from added where deleted_at_version is null
                    union select relation_id from added where relation_id is not null and deleted_at_version is null
                    order by 1))
               else @.muster_any_dead(array(select entity_id from added where deleted_at_version is null)) end) then
        perform @.muster_end_late(array(select attr_id from added where deleted_at_version is null));
    end if;
    return null;
end $$ $ddl$);

end $do$;

-- How many live objects there are of a driver and type, as the sum of its rows: writers only add rows,
-- so they don't wait for each other; now and then one of them makes many rows few.
create or replace function muster_count_add(d text, t text, amount bigint) returns void
language plpgsql as $$
begin
    insert into muster_count (driver, type, n) values (d, t, amount);
    if random() < 0.02 then
        with gone as (
            delete from muster_count where ctid = any (array(
                select ctid from muster_count limit 1000 for update skip locked))
            returning driver, type, n)
        insert into muster_count (driver, type, n)
        select driver, type, sum(n) from gone group by driver, type having sum(n) <> 0;
    end if;
end $$;

create or replace function muster_entities_changed() returns trigger
language plpgsql security definer as $$
declare
    own constant integer := nullif(current_setting('muster.version', true), '')::integer;
    shown boolean; -- is it what others show of these?
begin
    if tg_op <> 'DELETE' then
        perform muster_count_add(driver, type, count(*)) from added
          where deleted_at_version is null group by driver, type;
    end if;
    if tg_op <> 'INSERT' then
        perform muster_count_add(driver, type, -count(*)) from gone
          where deleted_at_version is null group by driver, type;
    end if;
    if tg_op = 'INSERT' then
        insert into muster_change (key, kind, version)
        select entity_id, case when deleted_at_version is null then 'c' else 'z' end, own from added;
        -- Where a name may be there twice the oldest one is found, whoever comes last.
        if to_regclass('muster_entities_name') is null then
            insert into muster_change (key) values (0);
        end if;
        return null;
    elsif tg_op = 'DELETE' then
        insert into muster_change (key, kind, version, name)
        select entity_id, 'd', own, concat('/', driver, '/', name) from gone
         where deleted_at_version is null;
        shown := exists (select from gone where deleted_at_version is null);
    else
        insert into muster_change (key, kind, version, name)
        select entity_id, kind::"char", own, case when kind = 'n' then was end
          from (select entity_id, min(path) filter (where before) as was,
                       case when not bool_or(live) then 'z'
                            when not bool_or(live and before) then 'c'
                            when not bool_or(live and not before) then 'd'
                            when min(concat(type, path)) <> max(concat(type, path)) then 'n'
                            else 'z' end as kind
                  from (select entity_id, false as before, deleted_at_version is null as live, type,
                               concat('/', driver, '/', name) as path from added
                        union all select entity_id, true, deleted_at_version is null, type,
                               concat('/', driver, '/', name) from gone) as t
                 group by entity_id) as u;
        shown := exists (
            select entity_id, name, driver, type, deleted_at_version from gone
            except select entity_id, name, driver, type, deleted_at_version from added);
    end if;
    if not shown then
        return null;
    end if;
    insert into muster_change (key, kind, version)
    select 0, 'z', null where exists (
        select from gone where entity_id::text is distinct from current_setting('muster.deletes', true))
    union all
    select id, 'r', own from (
        select a.entity_id from gone cross join lateral (
            select entity_id from entity_attrs
             where relation_id = gone.entity_id and deleted_at_version is null offset 0) as a
        union select a.relation_id from gone cross join lateral (
            select relation_id from entity_attrs
             where entity_id = gone.entity_id and deleted_at_version is null offset 0) as a
         where a.relation_id is not null) as n(id);
    return null;
end $$;

create or replace function muster_entities_truncated() returns trigger
language plpgsql security definer as $$
begin
    insert into muster_change (key, kind) values (0, '*');
    delete from muster_count;
    return null;
end $$;

create or replace function muster_preferences_changed() returns trigger
language plpgsql security definer as $$
begin
    if tg_op = 'INSERT' then
        insert into muster_change (key, kind, owner, name)
        select hashtextextended(user_id, 1), 'p', user_id, container from added;
    elsif tg_op = 'UPDATE' then
        insert into muster_change (key, kind, owner, name)
        select hashtextextended(user_id, 1), 'p', user_id, container from (
            select user_id, container from added union select user_id, container from gone) as t;
    else
        insert into muster_change (key, kind, owner, name)
        select hashtextextended(user_id, 1), 'p', user_id, container from gone;
    end if;
    return null;
end $$;

create or replace function muster_all_changed() returns trigger
language plpgsql security definer as $$
begin
    insert into muster_change (key, kind) values (0, '*');
    return null;
end $$;

do $$
declare
    home regnamespace := (select relnamespace from pg_class where oid = 'entity_attrs'::regclass);
    made integer := 0;
    t record;
begin
    for t in
        select * from (values
            ('entity_attrs', 'insert', 'muster_attrs_changed', 'referencing new table as added'),
            ('entity_attrs', 'update', 'muster_attrs_changed',
             'referencing old table as gone new table as added'),
            ('entity_attrs', 'delete', 'muster_attrs_changed', 'referencing old table as gone'),
            ('entity_attrs', 'truncate', 'muster_all_changed', ''),
            ('entities', 'insert', 'muster_entities_changed', 'referencing new table as added'),
            ('entities', 'update', 'muster_entities_changed',
             'referencing old table as gone new table as added'),
            ('entities', 'delete', 'muster_entities_changed', 'referencing old table as gone'),
            ('entities', 'truncate', 'muster_entities_truncated', ''),
            ('muster_preferences', 'insert', 'muster_preferences_changed',
             'referencing new table as added'),
            ('muster_preferences', 'update', 'muster_preferences_changed',
             'referencing old table as gone new table as added'),
            ('muster_preferences', 'delete', 'muster_preferences_changed',
             'referencing old table as gone'),
            ('muster_preferences', 'truncate', 'muster_all_changed', '')
        ) as v(tab, event, func, transition)
    loop
        if t.func <> 'muster_attrs_changed' then
            execute format('alter function %I() set search_path = %s, pg_temp', t.func, home);
        end if;
        execute format('revoke execute on function %I() from public', t.func);
        continue when exists (
            select from pg_trigger where tgrelid = t.tab::regclass and tgenabled = 'A'
               and tgname = 'muster_change_' || t.event);
        execute format('create or replace trigger %I after %s on %I %s for each statement '
                       'execute function %I()',
                       'muster_change_' || t.event, t.event, t.tab, t.transition, t.func);
        execute format('alter table %I enable always trigger %I', t.tab, 'muster_change_' || t.event);
        made := made + 1;
    end loop;
    execute format('alter function muster_hold(integer[]) set search_path = %s, pg_temp set enable_seqscan = off', home);
    execute format('alter function muster_any_dead(integer[]) set search_path = %s, pg_temp set enable_seqscan = off', home);
    revoke execute on function muster_hold(integer[]), muster_any_dead(integer[]) from public;
    if made > 0 then
        -- What was written without them is not told: everything counts as changed.
        insert into muster_change (key, kind) values (0, '*');
        raise notice using errcode = 'MU001',
            message = format('created %s triggers muster_change_*', made);
    end if;
end $$;

-- Who tells of changes: a text that is another one when something may have been written without the
-- triggers above. Oid and xmin tell those that were off for a while, or made again; the file tells a
-- table that was written anew, and another database by the same name. '!': nobody does. A subscription
-- applies rows without firing triggers of statements.
create or replace function muster_watch() returns text
language plpgsql stable as $$
begin
    return (
        select case
               when count(*) filter (where tgenabled = 'A' and tgname in (
                       'muster_change_insert', 'muster_change_update', 'muster_change_delete',
                       'muster_change_truncate')) < 12 then '!triggers'
               when exists (select from pg_subscription_rel where srrelid = any (array[
                       'entities'::regclass, 'entity_attrs'::regclass, 'muster_preferences'::regclass]))
               then '!subscription'
               else bit_xor(hashint8extended((oid::bigint << 32) + xmin::text::bigint, tgenabled::integer))
                    || '/' || hashtext(concat(pg_relation_filepath('entities'::regclass),
                                              pg_relation_filepath('entity_attrs'::regclass),
                                              pg_relation_filepath('muster_preferences'::regclass)))
               end
          from pg_trigger
         where tgrelid = any (array[
                   'entities'::regclass, 'entity_attrs'::regclass, 'muster_preferences'::regclass])
           and tgname >= 'muster_change_' and tgname < 'muster_changf');
end $$;

-- The counts as the objects say, if they are not so already.
do $$ begin
    lock table entities in share row exclusive mode;
    if exists (
        select from (
            select driver, type, sum(n) as n from (
                select driver, type, n from muster_count
                union all select driver, type, -count(*) from entities
                 where deleted_at_version is null group by driver, type) as d
             group by driver, type) as s
         where n <> 0) then
        delete from muster_count;
        insert into muster_count (driver, type, n)
        select driver, type, count(*) from entities where deleted_at_version is null group by driver, type;
        raise notice using errcode = 'MU001', message = 'counted the objects';
    end if;
end $$;

-- ---------------------------------------------------------------------------------------------
-- History is whole whoever writes: with keep_history what Python clusto or psql change in place or
-- erase stays as ended rows, such as Python clusto makes itself when it keeps a history, and has the
-- number of the transaction that did it. muster's own writes need none of this.
--
-- muster_was holds what an object was called from `version` until before `until`. muster_copy says
-- which row an ended copy was, for its place among the others. muster_floor: there is nothing below
-- `oldest`; what is below `exact` was written without the triggers, and may not be all; up to `settled`
-- is settled whatever muster_high says, which another cluster may have written.

do $$
begin

perform pg_temp.muster_make('table', 'muster_was', '
    create table muster_was (
        entity_id integer not null,
        name      character varying(128) not null,
        type      character varying(32) not null,
        driver    character varying(32) not null,
        version   integer not null,
        until     integer not null,
        primary key (entity_id, until)
    )');
perform pg_temp.muster_make('index', 'muster_was_name',
    'create index muster_was_name on muster_was (name)');
perform pg_temp.muster_make('index', 'muster_was_until',
    'create index muster_was_until on muster_was (until)');
perform pg_temp.muster_make('table', 'muster_copy', '
    create table muster_copy (
        attr_id integer primary key,
        of      integer not null
    )');
perform pg_temp.muster_make('table', 'muster_floor', '
    create table muster_floor (
        one     boolean primary key default true check (one),
        oldest  integer not null,
        exact   integer not null,
        settled integer not null,
        watch   text not null,
        cluster bigint not null,
        since   timestamp with time zone not null default now()
    )');

-- What was there at a version: the ended rows, too.
perform pg_temp.muster_make('index', 'muster_dead_driver',
    'create index muster_dead_driver on entities (driver, (entity_id::bigint), version, deleted_at_version)
     where deleted_at_version is not null');
perform pg_temp.muster_make('index', 'muster_dead_type',
    'create index muster_dead_type on entities (type, (entity_id::bigint), version, deleted_at_version)
     where deleted_at_version is not null');
perform pg_temp.muster_make('index', 'muster_dead_entity',
    'create index muster_dead_entity on entity_attrs (entity_id, deleted_at_version, version)
     where deleted_at_version is not null');
perform pg_temp.muster_make('index', 'muster_dead_relation',
    'create index muster_dead_relation on entity_attrs (relation_id, deleted_at_version)
     where relation_id is not null and deleted_at_version is not null');
perform pg_temp.muster_make('index', 'muster_dead_string',
    'create index muster_dead_string on entity_attrs (key, left(string_value, 64))
     where string_value is not null and deleted_at_version is not null');
perform pg_temp.muster_make('index', 'muster_dead_int',
    'create index muster_dead_int on entity_attrs (key, int_value)
     where int_value is not null and deleted_at_version is not null');
perform pg_temp.muster_make('index', 'muster_dead_datetime',
    'create index muster_dead_datetime on entity_attrs (key, datetime_value)
     where datetime_value is not null and deleted_at_version is not null');

-- What a version changed, the versions that changed an object, those that a user made. With casts and odd
-- conditions, so that what is looked up by the object finds no index but its own (see muster_attrs_members).
perform pg_temp.muster_make('index', 'muster_attrs_version',
    'create index muster_attrs_version on entity_attrs ((version::bigint))');
perform pg_temp.muster_make('index', 'muster_attrs_end',
    'create index muster_attrs_end on entity_attrs ((deleted_at_version::bigint))
     where coalesce(deleted_at_version, -1) <> -1');
perform pg_temp.muster_make('index', 'muster_entities_version',
    'create index muster_entities_version on entities ((version::bigint))');
perform pg_temp.muster_make('index', 'muster_entities_end',
    'create index muster_entities_end on entities ((deleted_at_version::bigint))
     where coalesce(deleted_at_version, -1) <> -1');
perform pg_temp.muster_make('index', 'muster_version_user',
    'create index muster_version_user on clustoversioning ("user", version)');

end $$;

-- As of a version the same answer is given for ever, unless the floor has changed.
create or replace function muster_floor_changed() returns trigger
language plpgsql security definer as $$
begin
    insert into muster_change (key) values (0);
    return null;
end $$;

do $$
declare
    home regnamespace := (select relnamespace from pg_class where oid = 'entity_attrs'::regclass);
begin
    execute format('alter function muster_floor_changed() set search_path = %s, pg_temp', home);
    revoke execute on function muster_floor_changed() from public;
    if not exists (select from pg_trigger where tgrelid = 'muster_floor'::regclass
                      and tgname = 'muster_floor_changed' and tgenabled = 'A') then
        create or replace trigger muster_floor_changed after update on muster_floor
            for each row when (old.* is distinct from new.*) execute function muster_floor_changed();
        alter table muster_floor enable always trigger muster_floor_changed;
        raise notice using errcode = 'MU001', message = 'created trigger muster_floor_changed';
    end if;
end $$;

do $do$ begin

perform pg_temp.muster_make_qualified($ddl$
create or replace function muster_keep_version() returns trigger
language plpgsql security definer as $$
begin
    if new.deleted_at_version is null
            and (new.version::pg_catalog.text operator(pg_catalog.=) pg_catalog.current_setting('muster.version', true)) is not true then
        new.version := @.muster_version();
    end if;
    return new;
end $$ $ddl$);

-- What ends stays as it was.
perform pg_temp.muster_make_qualified($ddl$
create or replace function muster_keep_end() returns trigger
language plpgsql security definer as $$
begin
    if old.deleted_at_version is null and new.deleted_at_version is not null
            and (new.deleted_at_version::pg_catalog.text operator(pg_catalog.=) pg_catalog.current_setting('muster.version', true)) is not true then
        new := old;
        new.deleted_at_version := greatest(@.muster_version(), old.version);
    end if;
    return new;
end $$ $ddl$);

end $do$;

-- The row as it was stays as an ended copy, and the changed one begins now. What this very transaction
-- made nobody else has seen.
create or replace function muster_keep_value() returns trigger
language plpgsql security definer as $$
declare
    own integer;
    copy integer;
begin
    -- What is brought back has changed; bookkeeping is not history.
    if old.deleted_at_version is null
            and (old is not distinct from new or old.key like '\_%' and old.key <> '_contains') then
        return new;
    end if;
    own := muster_version();
    if old.version <> own then
        insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, string_value,
                                  datetime_value, relation_id, version, deleted_at_version)
        values (old.entity_id, old.key, old.subkey, old.number, old.datatype, old.int_value,
                old.string_value, old.datetime_value, old.relation_id, old.version,
                coalesce(old.deleted_at_version, own))
        returning attr_id into copy;
        -- A copy that is brought back has a place of its own from now on.
        update muster_copy set attr_id = copy where attr_id = old.attr_id;
        if not found then
            insert into muster_copy (attr_id, of) values (copy, old.attr_id);
        end if;
        new.version := own;
    end if;
    return new;
end $$;

-- A row goes for good: muster without versioning deletes, or what is below the floor is pruned.
create or replace function muster_erases(ended integer) returns void
language plpgsql security definer as $$
begin
    if coalesce(ended, 2147483647) > (select oldest from muster_floor) then
        update muster_floor set exact = greatest(exact, muster_version());
    end if;
end $$;

create or replace function muster_keep_erased_attr() returns trigger
language plpgsql security definer as $$
declare
    own integer;
begin
    if old.key like '\_%' and old.key <> '_contains' then -- bookkeeping, not history
        return null;
    elsif current_setting('muster.prunes', true) = 'on' then
        perform muster_erases(old.deleted_at_version);
        return null;
    end if;
    if old.deleted_at_version is null then
        own := muster_version();
    end if;
    if old.version is distinct from own then
        insert into entity_attrs (attr_id, entity_id, key, subkey, number, datatype, int_value,
                                  string_value, datetime_value, relation_id, version, deleted_at_version)
        values (old.attr_id, old.entity_id, old.key, old.subkey, old.number, old.datatype, old.int_value,
                old.string_value, old.datetime_value, old.relation_id, old.version,
                coalesce(old.deleted_at_version, own));
    end if;
    return null;
end $$;

-- Is keep_history on?
create or replace function muster_keeps() returns boolean
language sql stable as $$
    select exists (select from pg_trigger where tgrelid = 'entity_attrs'::regclass
                      and tgname = 'muster_keep_erased' and tgenabled = 'A')
$$;

create or replace function muster_keep_name() returns trigger
language plpgsql security definer as $$
declare
    own integer;
    since integer;
begin
    if old.deleted_at_version is not null
            or (old.name, old.type, old.driver) is not distinct from (new.name, new.type, new.driver) then
        return new;
    end if;
    own := muster_version();
    select greatest(old.version, max(until)) into since from muster_was where entity_id = old.entity_id;
    if since < own then
        insert into muster_was (entity_id, name, type, driver, version, until)
        values (old.entity_id, old.name, old.type, old.driver, since, own);
    end if;
    return new;
end $$;

-- An object has one row, so that it was gone for a while can't be kept.
create or replace function muster_keep_revived() returns trigger
language plpgsql security definer as $$
begin
    update muster_floor set exact = greatest(exact, muster_version());
    return new;
end $$;

create or replace function muster_keep_truncated() returns trigger
language plpgsql security definer as $$
declare
    own integer := muster_version();
begin
    update muster_floor set oldest = own, exact = own;
    delete from muster_was;
    delete from muster_copy;
    return null;
end $$;

-- Which triggers vouch for the history: another text where any of them was off, or made again. '!': they
-- are not all on.
create or replace function muster_keep_watch() returns text
language plpgsql stable as $$ -- which keeps its plan, as functions in SQL don't
begin
    return (
        select case when count(*) filter (where tgenabled = 'A') < 13 then '!'
                    else bit_xor(hashint8extended((oid::bigint << 32) + xmin::text::bigint, 0))::text end
          from pg_trigger
         where tgrelid = any (array['clustoversioning'::regclass, 'entities'::regclass, 'entity_attrs'::regclass])
           and (tgname like 'muster\_keep\_%' or tgname like 'MUSTER\_keep\_%' or tgname like 'muster\_version\_%'));
end $$;

do $$
declare
    home regnamespace := (select relnamespace from pg_class where oid = 'entity_attrs'::regclass);
    keep constant boolean := coalesce(current_setting('muster.keep_history', true), '') <> 'off';
    made integer := 0;
    stopped integer := 0;
    f text;
    t record;
begin
    foreach f in array array['muster_version', 'muster_keep_value', 'muster_erases',
            'muster_keep_erased_attr', 'muster_keeps', 'muster_keep_name', 'muster_keep_revived',
            'muster_keep_truncated', 'muster_keep_watch']
    loop
        execute format('alter function %I set search_path = %s, pg_temp', f, home);
        continue when f in ('muster_keep_watch', 'muster_keeps');
        execute format('revoke execute on function %I from public', f);
    end loop;
    revoke execute on function muster_version_begins(), muster_version_taken(), muster_keep_version(), muster_keep_end()
        from public;
    -- muster_keep_value does what this did.
    if exists (select from pg_trigger where tgrelid = 'entity_attrs'::regclass and tgname = 'muster_keep_revived') then
        drop trigger muster_keep_revived on entity_attrs;
        drop trigger muster_keep_value on entity_attrs;
    end if;
    for t in
        select tab, trig, event, condition, func, row,
               trig like 'muster\_version\_%' or trig = 'MUSTER_keep_erased' as always from (
            select 'clustoversioning', 'muster_version_begins', 'before insert', '', 'muster_version_begins', 'statement'
            union all select 'clustoversioning', 'muster_version_taken', 'before insert', '', 'muster_version_taken', 'row'
            union all select tab, 'muster_keep_version', 'before insert', '', 'muster_keep_version', 'row'
              from unnest(array['entities', 'entity_attrs']) as tab
            union all select tab, 'muster_keep_end', 'before update of deleted_at_version', '', 'muster_keep_end', 'row'
              from unnest(array['entities', 'entity_attrs']) as tab
            union all select 'entity_attrs', 'muster_keep_value', 'before update',
                'when (new.deleted_at_version is null)', 'muster_keep_value', 'row'
            union all select 'entities', 'muster_keep_revived', 'before update of deleted_at_version',
                'when (old.deleted_at_version is not null and new.deleted_at_version is null)',
                'muster_keep_revived', 'row'
            union all select 'entities', 'muster_keep_name', 'before update',
                'when (new.deleted_at_version is null)', 'muster_keep_name', 'row'
            union all select 'entity_attrs', 'muster_keep_erased', 'after delete', '', 'muster_keep_erased_attr', 'row'
            union all select 'entities', 'MUSTER_keep_erased', 'after delete', '', 'muster_keep_erased_entity', 'row'
            union all select tab, 'muster_keep_truncate', 'after truncate', '', 'muster_keep_truncated', 'statement'
              from unnest(array['entities', 'entity_attrs']) as tab
        ) as v(tab, trig, event, condition, func, row)
    loop
        if keep or t.always then
            continue when exists (select from pg_trigger
                                   where tgrelid = t.tab::regclass and tgname = t.trig and tgenabled = 'A');
            execute format('create or replace trigger %I %s on %I for each %s %s execute function %I()',
                           t.trig, t.event, t.tab, t.row, t.condition, t.func);
            execute format('alter table %I enable always trigger %I', t.tab, t.trig);
            made := made + 1;
        elsif exists (select from pg_trigger
                       where tgrelid = t.tab::regclass and tgname = t.trig and tgenabled <> 'D') then
            execute format('alter table %I disable trigger %I', t.tab, t.trig);
            stopped := stopped + 1;
        end if;
    end loop;
    if made > 0 then
        raise notice using errcode = 'MU001',
            message = format('created %s triggers muster_version_* and muster_keep_*', made);
    end if;
    if stopped > 0 then
        raise notice using errcode = 'MU001',
            message = format('switched off %s triggers muster_keep_*', stopped);
    end if;
end $$;

-- A dump that was restored into another cluster: transactions are numbered anew there, so that what is
-- new would look old. Up to now all is settled, and readers of changes begin anew. On connecting muster
-- calls it where the cluster is not that of the floor. Not where a subscription brings the points, and the
-- transactions' numbers, of the cluster that the floor names.
create or replace function muster_adopt() returns void
language plpgsql security definer as $$
declare
    here constant bigint := (select system_identifier from pg_control_system());
    latest bigint;
begin
    perform pg_advisory_xact_lock(1836413812, 1);
    if not exists (select from muster_floor where cluster <> here)
       or exists (select from pg_subscription_rel where srrelid = 'muster_point'::regclass) then
        return;
    end if;
    lock table clustoversioning, entities, entity_attrs, muster_preferences in share row exclusive mode;
    perform setval('muster_high', pg_current_xact_id()::text::bigint);
    perform setval('muster_clock', (date_part('epoch', greatest(clock_timestamp(), max(muster_at))) * 1000000)::bigint)
       from clustoversioning; -- sequences are not replicated with the rows
    update muster_floor set cluster = here, since = now(),
                            settled = (select coalesce(max(version), 0) from clustoversioning);
    select max(point) into latest from muster_point;
    delete from muster_point;
    delete from muster_change;
    update muster_pruned set below = pg_snapshot_xmin(pg_current_snapshot());
    insert into muster_point (point, snapshot, watch)
    values (coalesce(latest, 0) + 1, pg_current_snapshot(), split_part(muster_watch(), '/', 1));
end $$;

do $$
declare
    home regnamespace := (select relnamespace from pg_class where oid = 'entity_attrs'::regclass);
begin
    execute format('alter function muster_adopt() set search_path = %s, pg_temp', home);
    perform muster_adopt();
    insert into muster_point (point, snapshot, watch)
    select 1, pg_current_snapshot(), split_part(muster_watch(), '/', 1)
     where not exists (select from muster_point);
end $$;

-- Nobody is writing while this looks: what was written without the triggers ends here, and so do the
-- transactions of another cluster.
do $$
declare
    here constant bigint := (select system_identifier from pg_control_system());
    latest integer;
    floor muster_floor;
begin
    select * into floor from muster_floor;
    if floor.watch = muster_keep_watch() and floor.cluster = here then
        return;
    end if;
    lock table clustoversioning, entities, entity_attrs in share row exclusive mode;
    select coalesce(max(version), 0) into latest from clustoversioning;
    if floor.cluster <> here then
        perform setval('muster_high', pg_current_xact_id()::text::bigint);
    end if;
    insert into muster_floor as f (oldest, exact, settled, watch, cluster)
    values (0, latest, latest, muster_keep_watch(), here)
        on conflict (one) do update set exact = latest, settled = latest, watch = excluded.watch,
                                        cluster = here, since = now();
    raise notice using errcode = 'MU001',
        message = format('history is whole from version %s on', latest);
end $$;

-- ---------------------------------------------------------------------------------------------
-- A fresh database holds what Python clusto puts there: itself.

do $$
declare
    id integer;
begin
    if not exists (select from entities) and not exists (select from clustoversioning) then
        insert into clustoversioning ("timestamp", description)
            values (now() at time zone 'UTC', 'muster --init-db');
        insert into entities (name, type, driver, version)
            values ('clustometa', 'clustometa', 'clustometa', 1) returning entity_id into id;
        insert into entity_attrs (entity_id, key, subkey, datatype, int_value, version)
            values (id, 'schemaversion', 'property', 'int', 3, 1);
        raise notice using errcode = 'MU001', message = 'created object clustometa';
    end if;
end $$;

-- ---------------------------------------------------------------------------------------------
-- What the planner has to know from the start: nearly all rows are live. Without that he takes a
-- table that has just grown for an empty one, until autovacuum comes by.

do $$
declare
    home name := (select n.nspname from pg_namespace n join pg_class c on c.relnamespace = n.oid
                   where c.oid = 'entities'::regclass);
begin
    if (select count(distinct tablename) from pg_stats
         where schemaname = home and tablename in ('entities', 'entity_attrs')) < 2 then
        analyze entities;
        analyze entity_attrs;
        raise notice using errcode = 'MU001', message = 'gathered statistics of the objects';
    end if;
end $$;

-- ---------------------------------------------------------------------------------------------
-- With search_index: the names and values that contain a text, for GET /search, by their trigrams. Without the
-- extension, or the right to create it, whole tables are read. What is MU002 is told, but nothing was done.
-- The lists of pending entries are short, as each search reads them as a whole.

do $$
declare
    wanted constant text := current_setting('muster.search_index', true);
    home text;
    x text;
begin
    if wanted = 'off' then
        foreach x in array array['muster_entities_text', 'muster_attrs_text',
                                 'muster_attrs_number_text', 'muster_attrs_date_text'] loop
            if to_regclass(x) is not null then
                execute format('drop index %I', x);
                raise notice using errcode = 'MU001', message = format('dropped index %s', x);
            end if;
        end loop;
    end if;
    if wanted is distinct from 'on' then
        return;
    end if;
    if not exists (select from pg_extension where extname = 'pg_trgm') then
        create extension pg_trgm;
        raise notice using errcode = 'MU001', message = 'created extension pg_trgm';
    end if;
    select quote_ident(nspname) into strict home
      from pg_extension join pg_namespace n on n.oid = extnamespace where extname = 'pg_trgm';
    perform pg_temp.muster_make('index', 'muster_entities_text', format(
        'create index muster_entities_text on entities using gin (name %s.gin_trgm_ops)
         with (gin_pending_list_limit = 512) where deleted_at_version is null', home));
    perform pg_temp.muster_make('index', 'muster_attrs_text', format(
        'create index muster_attrs_text on entity_attrs using gin (string_value %s.gin_trgm_ops)
         with (gin_pending_list_limit = 512)
         where string_value is not null and deleted_at_version is null', home));
    -- Numbers but for those that addresses are stored as and those that managers count with; times with all
    -- their digits. As GET /search asks for them.
    perform pg_temp.muster_make('index', 'muster_attrs_number_text', format(
        'create index muster_attrs_number_text on entity_attrs using gin ((int_value::text) %s.gin_trgm_ops)
         with (gin_pending_list_limit = 512)
         where int_value is not null and (key = ''ip'' and subkey is null or key like ''\_%%'') is not true
           and deleted_at_version is null', home));
    perform pg_temp.muster_make('index', 'muster_attrs_date_text', format(
        'create index muster_attrs_date_text on entity_attrs using gin ((
         lpad(extract(year from datetime_value)::text, greatest(4, length(extract(year from datetime_value)::text)), ''0'')
         || ''-'' || lpad(extract(month from datetime_value)::text, 2, ''0'')
         || ''-'' || lpad(extract(day from datetime_value)::text, 2, ''0'')
         || ''T'' || lpad(extract(hour from datetime_value)::text, 2, ''0'')
         || '':'' || lpad(extract(minute from datetime_value)::text, 2, ''0'')
         || '':'' || lpad(round(extract(second from datetime_value)::numeric, 6)::text, 9, ''0'')) %s.gin_trgm_ops)
         with (gin_pending_list_limit = 512)
         where datetime_value is not null and deleted_at_version is null', home));
exception
    -- The package is not installed, the role may not, or it is in a schema that the role may not use.
    when insufficient_privilege or undefined_file or feature_not_supported or undefined_object then
        raise notice using errcode = 'MU002',
            message = format('GET /search goes without an index: %s', sqlerrm);
end $$;

-- ---------------------------------------------------------------------------------------------
-- Indexes of older versions that others replace. Nobody reads their tables from here on until the end,
-- so it is after all that takes long.

do $$
declare
    old text;
begin
    for old in select unnest(array['muster_attrs_relation', 'muster_attrs_string', 'muster_attrs_int',
                                   'muster_attrs_datetime', 'muster_attrs_made', 'muster_attrs_ended',
                                   'muster_entities_made', 'muster_entities_ended',
                                   'muster_attrs_relation_made', 'muster_attrs_referred',
                                   'muster_attrs_relation_all', 'muster_dead_contains', 'muster_attrs_number'])
    loop
        continue when to_regclass(old) is null;
        execute format('drop index %I', old);
        raise notice using errcode = 'MU001', message = format('dropped index %s', old);
    end loop;
end $$;

-- ---------------------------------------------------------------------------------------------
-- Last: what of ours is there. STORE_SCHEMA_VERSION in include/store/schema.h is the same number.

do $$
declare
    now_at constant integer := 4;
begin
    perform pg_temp.muster_make('table', 'muster_schema', '
        create table muster_schema (
            version integer primary key,
            since   timestamp with time zone not null default now()
        )');
    insert into muster_schema (version) values (now_at) on conflict do nothing;
    if found then
        raise notice using errcode = 'MU001',
            message = format('muster''s additions are at version %s', now_at);
    end if;
end $$;

drop function pg_temp.muster_make(text, text, text), pg_temp.muster_make_qualified(text);
