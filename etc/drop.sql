-- drop.sql: takes away all that schema.sql added to a database of clusto: triggers, functions, indexes,
-- columns, and muster's own tables with all that is in them: preferences, tokens.
--
-- muster --drop-extensions runs this text in one transaction; so can psql. The tables of clusto stay with
-- all their rows, those that have ended too. It can be run again; schema.sql adds everything again.

set local client_min_messages = notice;

do $$ begin perform pg_advisory_xact_lock(1836413812, 1); end $$;

do $$
declare
    home regnamespace := (select relnamespace from pg_class where oid = 'entities'::regclass);
    tables regclass[] := array['entities', 'entity_attrs', 'counters', 'clustoversioning'];
    x record;
begin
    lock table entities, entity_attrs, counters, clustoversioning in access exclusive mode;
    for x in
        select 1 as turn, 'trigger' as kind, format('%I on %s', tgname, tgrelid::regclass) as name
          from pg_trigger
         where tgrelid = any (tables) and not tgisinternal and tgname ~* '^muster_'
        union all
        select case relkind when 'r' then 2 when 'S' then 5 else 3 end,
               case relkind when 'r' then 'table' when 'S' then 'sequence' else 'index' end,
               oid::regclass::text
          from pg_class
         where relnamespace = home and relname like 'muster\_%'
           and (relkind in ('r', 'S') or oid in (
               select indexrelid from pg_index where indrelid = any (tables)))
        union all
        select 4, 'function', oid::regprocedure::text
          from pg_proc where pronamespace = home and proname like 'muster\_%'
        order by 1, 3
    loop
        execute format('drop %s %s', x.kind, x.name);
        raise notice using errcode = 'MU001', message = format('dropped %s %s', x.kind, x.name);
    end loop;
    for x in
        select attrelid::regclass as tab, attname from pg_attribute
         where attrelid = any (tables) and attname like 'muster\_%' and not attisdropped
    loop
        execute format('alter table %s drop column %I', x.tab, x.attname);
        raise notice using errcode = 'MU001',
            message = format('dropped column %s of %s', x.attname, x.tab);
    end loop;
end $$;
