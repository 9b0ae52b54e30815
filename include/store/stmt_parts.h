/* stmt_parts.h: parts of statements that several files of texts have alike: above all reads of now
 * (store/stmts.c) and of the past (store/past.c). */
#ifndef MUSTER_STORE_STMT_PARTS_H
#define MUSTER_STORE_STMT_PARTS_H

/* A line of SQL stays a line. */
/* clang-format off */

/* A constant of C. */
#define TEXT_OF_IT(text) #text
#define TEXT_OF(number)  TEXT_OF_IT(number)

/* A time as it is shown; when a version's number was taken: see muster_taken() in schema.sql. */
#define ISO(time) "to_char(" time " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
#define TAKEN_AT  "muster_taken(muster_at, \"timestamp\")"

/* The same as it is shown, rounded up to a millisecond: as of this time there is the version. */
#define TAKEN_SHOWN ISO("(" TAKEN_AT " + interval '999 microseconds')")

/* Whole objects: what hangs on each of these entities. Those of one name are hardly ever more than one, and
 * a plan without a sort is faster by as much as two of its rows take. */
#define EACH_UNSORTED(entities, arms) \
    "select e.entity_id, x.* from (" entities " offset 0) e cross join lateral (" arms ") x"
#define EACH(entities, arms) EACH_UNSORTED(entities " order by entity_id", arms)

/* Of the object that NAMED gives and of what it is in the attributes with the key $2, subkey $3, number $4
 * (null: any), of each key and subkey those of the nearest that have it, with whatever numbers; objects by how
 * far they are. A circle ends with the depth. The ranges leave out a container's members. */
#define INHERITED_MATCH \
    " and ($3::text is null or a.subkey = $3)" \
    " and (a.key not like '\\_%' or (n.depth = 0 and a.key = $2))"
#define INHERITED(NAMED, CONTAINERS, ENTITY, ATTRS) \
    "with recursive up(id, depth) as (select e.entity_id, 0 from (" NAMED " order by entity_id limit 1) e" \
    " union select c.entity_id, u.depth + 1 from up u cross join " CONTAINERS("u.id") " m" \
    " cross join " ENTITY("m.entity_id") " c where u.depth < 32)," \
    " near as materialized (select id as entity_id, min(depth) as depth from up group by id)," \
    " own as (select n.entity_id, n.depth, a.*, rank() over (partition by a.key, a.subkey order by n.depth) as place" \
    " from near n cross join lateral (" \
    ATTRS(" and $2::text is null and a.key < '_contains'" INHERITED_MATCH) " union all " \
    ATTRS(" and $2::text is null and a.key > '_contains'" INHERITED_MATCH) " union all " \
    ATTRS(" and a.key = $2" INHERITED_MATCH) ") a)" \
    " select x.* from (select n.entity_id, 0 as tag, null::integer, null::varchar, null::varchar, null::integer, null::varchar," \
    " null::bigint, null::text, null::timestamp, null::integer, e.name, e.driver, e.type, n.depth as far" \
    " from near n cross join " ENTITY("n.entity_id") " e" \
    " union all select o.entity_id, 1, o.attr_id, o.key, o.subkey, o.number, o.datatype, o.int_value, o.string_value," \
    " o.datetime_value, o.relation_id, r.name, r.driver, r.type, o.depth" \
    " from own o left join " ENTITY("o.relation_id") " r on true where o.place = 1" \
    " and ($4::integer is null or o.number = $4)) x order by x.far, x.entity_id, x.tag"

/* Attributes for an export, which knows what all objects are called: a column less costs as much as a row's
 * way through an index. */
#define EXPORT_ATTRS(rows, condition) \
    "select a.entity_id, a.key, a.subkey, a.number, a.datatype, a.int_value, a.string_value, a.datetime_value," \
    " a.relation_id from " rows condition " and coalesce(a.key, '') <> '_contains'"

/* Another one after a crash, a restart, on another server, and once a standby becomes the primary. */
#define INCARNATION \
    "extract(epoch from pg_postmaster_start_time()) || '/' ||" \
    " extract(epoch from pg_stat_get_bgwriter_stat_reset_time()) || '/' || pg_is_in_recovery()"

/* Of which database that snapshots are, and the statement's own (store/snapshot.h). The path of a file has
 * the database's id, which another one by the same name has not. */
#define SNAPSHOT_OF   INCARNATION " || '@' || pg_relation_filepath('entities'::regclass)"
#define SNAPSHOT_TOLD "(pg_current_snapshot()::text || '@' || " SNAPSHOT_OF ")::varchar"

/* Who tells of changes, as muster_watch() in schema.sql. */
#define WATCHED "array['entities'::regclass, 'entity_attrs'::regclass, 'muster_preferences'::regclass]"
#define WATCHERS \
    "array['muster_change_insert', 'muster_change_update', 'muster_change_delete', 'muster_change_truncate']"

/* Lists. $1 limit (null: all), $2 offset, $3: is the total wanted, $4 behind this id. The first row has no
 * id: it has the total, or null, and the snapshot. */
#define NO_ENTITY "null::integer, null::varchar, null::varchar, null::varchar"
#define IN_SNAPSHOT "null::integer, " SNAPSHOT_TOLD ", null::varchar, null::varchar"
#define HEAD(total) "select case when $3 then (" total ") end, " IN_SNAPSHOT
#define PAGE_HEAD   "select null::bigint, " IN_SNAPSHOT " union all "
#define TOTAL(from_where) HEAD("select count(*) from " from_where)
#define PAGE(from_where, order) \
    "(select null::bigint, e.entity_id, e.name, e.driver, e.type from " from_where \
    " order by " order " limit $1 offset $2)"
#define LIST_HITS TOTAL("hit e where true") " union all " PAGE("hit e where e.entity_id > $4", "e.entity_id")

/* Of the attributes that a list shows: indexes have them by id (see schema.sql). */
#define LISTED    "coalesce(deleted_at_version, -1) = -1"
#define IS_MEMBER "key = '_contains' and " LISTED
#define FIRST_MEMBER(container, from) \
    "lateral (select relation_id from entity_attrs where " IS_MEMBER " and entity_id::bigint = " container \
    " and relation_id::bigint >= " from " order by relation_id::bigint limit 1)"
#define FIRST_CONTAINER(from) \
    "lateral (select entity_id from entity_attrs where " IS_MEMBER \
    " and entity_id::bigint >= " from " order by entity_id::bigint limit 1)"

/* Down through containers: a row w is a container, with the id up to which was looked and whether that is one
 * of its members. The members of one and all containers are two lists by id: each step goes to the next id in
 * the one, and from there to the next in the other. */
#define NEXT_IN_WALK \
    "select w.container, c.entity_id, c.entity_id = m.relation_id" \
    " from " FIRST_MEMBER("w.container", "w.at::bigint + w.is_in::integer") " m" \
    " cross join " FIRST_CONTAINER("m.relation_id") " c"

/* $5 names, $6 types, $7 drivers to filter the result by, $8 pools, $9: go down. MEMBERS(id) gives the
 * rows of what contains, ENTITY(id) the object. union drops what was seen before, which also ends
 * circles. */
#define FROM_POOLS(MEMBERS, ENTITY) \
    "with recursive below(pool, entity_id, name, driver, type) as (" \
    " select p.pool, e.entity_id, e.name, e.driver, e.type" \
    " from (select distinct unnest($8) as pool) p" \
    " cross join " MEMBERS("p.pool") " a cross join " ENTITY("a.relation_id") " e" \
    " union" \
    " select b.pool, e.entity_id, e.name, e.driver, e.type" \
    " from below b" \
    " cross join " MEMBERS("b.entity_id") " a cross join " ENTITY("a.relation_id") " e" \
    " where $9)," \
    " hit as materialized (select e.entity_id, e.name, e.driver, e.type from below e" \
    " where (cardinality($5) = 0 or e.name = any($5))" \
    " and (cardinality($6) = 0 or e.type = any($6))" \
    " and (cardinality($7) = 0 or e.driver = any($7))" \
    " group by e.entity_id, e.name, e.driver, e.type" \
    " having count(*) = (select count(distinct pool) from unnest($8) as u(pool))) " LIST_HITS

/* The same of many pools. To walk through each pool for itself would cost the number of pools times what is in them, and they
 * may all contain the same. So each container is looked into twice, whatever the number of pools: for
 * the containers in it (node, inner_of), and for its members. In between stands which pools each
 * container is in; containers that are in the same pools are of one kind, and so are objects that are
 * in containers of the same kinds: only of each kind is it asked whether these are all the pools. */
#define FROM_MANY(MEMBERS, ENTITY) \
    "with recursive node(id) as (" \
    " select distinct unnest($8)" \
    " union select e.entity_id from node n cross join " MEMBERS("n.id") " a cross join " ENTITY("a.relation_id") " e" \
    " where $9 and (select true from " MEMBERS("e.entity_id") " c limit 1))," \
    " inner_of as materialized (select n.id as container, e.entity_id as inside from node n" \
    " cross join " MEMBERS("n.id") " a cross join " ENTITY("a.relation_id") " e" \
    " where $9 and (select true from " MEMBERS("e.entity_id") " c limit 1))," \
    " below(pool, container) as (" \
    " select p.id, p.id from (select distinct unnest($8) as id) p" \
    " union select b.pool, i.inside from below b join inner_of i on i.container = b.container)," \
    " kind as materialized (select row_number() over () as nr, s.pools, array_agg(s.container) as containers" \
    " from (select container, array_agg(pool order by pool) as pools from below group by container) s group by s.pools)," \
    " member as materialized (select a.relation_id as id, array_agg(distinct k.nr) as kinds" \
    " from (select nr, unnest(containers) as container from kind) k cross join " MEMBERS("k.container") " a" \
    " group by a.relation_id)," \
    " hit as materialized (select e.entity_id, e.name, e.driver, e.type from (select unnest(m.ids) as id" \
    " from (select kinds, array_agg(id) as ids from member group by kinds) m" \
    " where (select count(distinct p.pool) from kind k cross join unnest(k.pools) as p(pool) where k.nr = any(m.kinds))" \
    " = (select count(distinct pool) from unnest($8) as u(pool))) x cross join " ENTITY("x.id") " e" \
    " where (cardinality($5) = 0 or e.name = any($5))" \
    " and (cardinality($6) = 0 or e.type = any($6))" \
    " and (cardinality($7) = 0 or e.driver = any($7))) " LIST_HITS

/* What contains the object $7; $8: go up. $5 types, $6 drivers to filter the result by. */
#define IN_CONTAINERS(CONTAINERS, ENTITY) \
    "with recursive above(entity_id, name, driver, type) as (" \
    " select e.entity_id, e.name, e.driver, e.type" \
    " from " CONTAINERS("$7") " a cross join " ENTITY("a.entity_id") " e" \
    " union" \
    " select e.entity_id, e.name, e.driver, e.type from above b" \
    " cross join " CONTAINERS("b.entity_id") " a cross join " ENTITY("a.entity_id") " e" \
    " where $8)," \
    " hit as materialized (select * from above e" \
    " where (cardinality($5) = 0 or e.type = any($5)) and (cardinality($6) = 0 or e.driver = any($6))) " LIST_HITS

/* What refers to the object $5, by the key $6 and subkey $7; null: any, but no key with "_". By the ids
 * of the attributes, after $4. */
#define REFERRING(place, is) \
    "select " place " as id, a.key, a.subkey, a.number, a.entity_id from entity_attrs a" \
    " where a.relation_id = $5 and " is \
    " and ($6::text is null and a.key not like '\\_%' or a.key = $6) and ($7::text is null or a.subkey = $7)"
#define REFERENCES_OF(attrs, entity) \
    "with hit as materialized (" attrs ")" \
    " select count(*), null::integer, null, null, null::integer, null::integer, null, null, null" \
    " from hit a cross join " entity " e where $3 having $3" \
    " union all (select null::bigint, a.id, a.key, a.subkey, a.number, e.entity_id, e.name, e.driver, e.type" \
    " from (select * from hit where id > $4 order by id offset 0) a cross join " entity " e order by a.id limit $1 offset $2)"

/* Of a counter that another transaction inserts at the same moment there is no row then, rather than
 * one that is merged (muster_counter_insert() in schema.sql): the request is run again. */
#define COUNTS "set_config('muster.counts', 'on', true) = 'on'"

/* The rules of containers, for --check-db and for reverts: each gives a text for what breaks one. Of
 * memberships m(attr_id, rule, container, place, driver, member, thing), rule being that of the container's
 * driver (enum driver_insert_rule). */
#define PLACES "string_agg(distinct place, ', ' order by place)"
#define IN_UNIQUE_POOLS \
    "select format('%s is in more than one unique pool: %s', thing, " PLACES ") from m where rule = 2" \
    " group by member, thing having count(distinct container) > 1"
#define IN_EXCLUSIVE_POOLS \
    "select format('%s is in an exclusive pool and in others: %s', thing, " PLACES ") from m where rule in (1, 2, 3)" \
    " group by member, thing having bool_or(rule = 3) and count(distinct container) > 1"
#define IN_LOCATIONS \
    "select format('%s is in more than one %s: %s', thing, driver, " PLACES ") from m where rule = 4" \
    " group by member, thing, driver having count(distinct container) > 1"
#define IN_RACKS \
    "select format('%s is in more than one rack: %s', thing, " PLACES ") from m where rule = 5" \
    " group by member, thing having count(distinct container) > 1"
/* What is in there first may be put into a pool later: only what came second breaks the rule. */
#define IN_OTHERS \
    "select format('%s is in something that shares with nothing, and elsewhere: %s', thing, " PLACES ")" \
    " from (select member, thing, place, rule, min(attr_id) as since from m group by member, thing, place, container, rule) c" \
    " group by member, thing having max(since) filter (where rule = 0) > min(since)"

/* The ranges from $1 to $2 of addresses that nobody holds, without the gateway $3: what lies between two
 * that are taken. */
#define FREE_RANGES \
    "select g.lo, g.hi from (select lag(u.v, 1, $1 - 1) over (order by u.v) + 1 as lo, u.v - 1 as hi from (" \
    "select a.int_value::bigint as v from entity_attrs a where a.key = 'ip' and (a.subkey is null) is true and a.datatype = 'int'" \
    " and a.deleted_at_version is null and a.int_value between $1 and $2" \
    " union select $3 where $3 between $1 and $2 union select $2 + 1) u) g where g.lo <= g.hi order by g.lo"

/* A time of an attribute as it is shown. */
#define DATETIME_SHOWN(time) \
    "to_char(" time ", 'YYYY-MM-DD\"T\"HH24:MI:SS')" \
    " || case when date_trunc('second', " time ") <> " time " then to_char(" time ", '.US') else '' end"

/* The conditions of the indexes muster_attrs_number_text and muster_attrs_date_text in schema.sql: numbers,
 * without those that stand for an address and those that managers count with; times with all their digits,
 * which what is shown begins. */
#define NUMBER_IS_SEARCHED "(a.key = 'ip' and a.subkey is null or a.key like '\\_%') is not true"
#define TIME_DIGITS(part, time) "lpad(extract(" part " from " time ")::text, 2, '0')"
#define TIME_TEXT(time) \
    "lpad(extract(year from " time ")::text, greatest(4, length(extract(year from " time ")::text)), '0')" \
    " || '-' || " TIME_DIGITS("month", time) " || '-' || " TIME_DIGITS("day", time) \
    " || 'T' || " TIME_DIGITS("hour", time) " || ':' || " TIME_DIGITS("minute", time) \
    " || ':' || lpad(round(extract(second from " time ")::numeric, 6)::text, 9, '0')"

/* What has the text $1, which the pattern $2 finds, in its name or a value of an attribute: of each object
 * the best place. After the object $4 of the place $3, $5 of them. A place is three times the rank, and 0 for
 * a name, 1 for a value, 2 for a path, which begins with what is no part of the name that was looked for.
 * Numbers and times are read only for what may be in one. With the fence BY_INDEX what refers to a name is looked
 * up name by name: a planner with statistics of an empty table would else compare each name with each reference. */
#define BY_INDEX " offset 0"
#define PLACE_OF(text) \
    "case when lower(" text ") = lower($1) then 0 when starts_with(lower(" text "), lower($1)) then 3 else 6 end"
#define SEARCHED(fence) \
    "with named as materialized (select entity_id, name, driver from entities" \
    " where deleted_at_version is null and name ilike $2)," \
    " hit as materialized (select entity_id, " PLACE_OF("name") " as place, null::text as key, null::text as subkey," \
    " name as value, 0 as attr_id from named" \
    " union all select a.entity_id, " PLACE_OF("v.value") " + 1, a.key, a.subkey, v.value, a.attr_id from entity_attrs a" \
    " cross join lateral (select case a.datatype when 'int' then a.int_value::text" \
    " when 'datetime' then " DATETIME_SHOWN("a.datetime_value") " else a.string_value end as value) v" \
    " where a.deleted_at_version is null and coalesce(a.key, '') not like '\\_%'" \
    " and (a.string_value ilike $2" \
    " or $1 ~ '^-?[0-9]*$' and a.int_value::text ilike $2 and " NUMBER_IS_SEARCHED \
    " or $1 ~* '^[-0-9T:.]*$' and (" TIME_TEXT("a.datetime_value") ") ilike $2)" \
    " and v.value ilike $2" \
    " union all select a.entity_id, 8, a.key, a.subkey, '/' || n.driver || '/' || n.name, a.attr_id" \
    " from named n cross join lateral (select r.entity_id, r.key, r.subkey, r.attr_id from entity_attrs r" \
    " where r.relation_id = n.entity_id and r.relation_id is not null and r.deleted_at_version is null" \
    " and coalesce(r.key, '') not like '\\_%'" fence ") a)," \
    " best as materialized (select distinct on (entity_id) * from hit order by entity_id, place, attr_id)" \
    " select b.place, b.key, b.subkey, b.value, e.entity_id, e.name, e.driver, e.type" \
    " from (select * from best where (place, entity_id) > ($3, $4)) b join entities e on e.entity_id = b.entity_id" \
    " where e.deleted_at_version is null order by b.place, b.entity_id limit $5"

/* clang-format on */

#endif
