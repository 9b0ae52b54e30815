/* import_sql.c: the statements of an import. What was sent is in muster_import_object, _attr and _in, by
 * line; muster_import_ref is what its names mean: objects that are there, locked, and those to be made.
 * Nothing is written to the shared tables before all checks are done. */
#include "store/import_sql.h"

#include "store/history_sql.h"
#include "store/stmt_parts.h"

/* A line of SQL stays a line. */
/* clang-format off */

#define VERSION "coalesce($1::integer, " HISTORY_CURRENT ")"
#define ERROR   "insert into muster_import_error (line, error) select "
#define REFER   "insert into muster_import_ref (id, name, driver, line, fresh) select "

/* Those with these ids, locked in the order of their ids. */
#define LOCKED(ids, strength) \
    "(select x.id from (" ids ") x order by 1) l cross join lateral (select entity_id, name, driver from entities" \
    " where entity_id = l.id and coalesce(deleted_at_version, 0) = 0 for " strength ") e"
#define IDS_OF(names) \
    "select min(n.entity_id) as id from (" names ") w join entities n on n.name = w.name and n.deleted_at_version is null" \
    " group by n.name"

/* Objects o that were sent and are there, r. */
#define EXISTING "muster_import_object o join muster_import_ref r on r.line = o.line and not r.fresh"

/* The object has the attribute a that was sent already. */
#define IS_KEPT "exists (select from muster_import_keep p where p.line = a.line and p.ord = a.ord)"

/* The live attributes of an existing object but its members. */
#define ATTRS_OF(id) \
    "lateral (select * from entity_attrs where entity_id = " id " and deleted_at_version is null" \
    " and key <> '_contains' offset 0)"
#define MEMBERSHIPS_OF(id) \
    "lateral (select attr_id, entity_id, subkey, number from entity_attrs" \
    " where relation_id = " id " and key || '' = '_contains' and deleted_at_version is null offset 0)"
#define EQUAL_ONES \
    "subkey, number, datatype, int_value, string_value, datetime_value, relation_id"
#define SAME(a, b, column) " and " a "." column " is not distinct from " b "." column

/* Does being in `o` keep a member out of `c`? As excludes() in rules/insert.c. */
#define EXCLUDES(c, o) \
    "case " c ".rule when 0 then true when 1 then " o ".rule = 3 when 2 then " o ".rule in (2, 3)" \
    " when 3 then " o ".rule in (1, 2, 3) when 4 then " o ".driver = " c ".driver else " o ".rule = 5 end"
#define RACK "5"

/* Two pools never keep a member out of each other, and it may be in very many: they are not paired. */
#define POOL "1"
#define PAIRS(others, condition) \
    "select n.line, n.member_name, w.driver, w.name from muster_import_new n join " others " w on w.member = n.member" \
    " where w.container <> n.container and " EXCLUDES("n", "w") " and " condition
#define EXCLUDED(others, condition) \
    ERROR "distinct line, format('\"%s\" is already in the %s \"%s\"', member_name, driver, name) from (" \
    PAIRS(others, condition) " and w.rule <> " POOL " union all " \
    PAIRS(others, condition) " and w.rule = " POOL " and n.rule <> " POOL ") p"

/* Is the membership that was (w) the one that is wanted (n)? Where the memberships are replaced, as it
 * was sent; in a rack by its unit. */
#define SAME_MEMBERSHIP \
    "w.container = n.container and w.member = n.member and case when n.rule = " RACK " or w.replaced" \
    " then (n.number is null or w.number = n.number)" SAME("w", "n", "subkey") " else true end"

/* What a new row of the rack's property says, else its row, else the default. */
#define UNIT(key, otherwise) \
    "coalesce((select s.value from said s where s.id = r.container and s.key = '" key "')," \
    " (select int_value from entity_attrs where entity_id = r.container and key = '" key "' and subkey = 'property'" \
    " and datatype = 'int' and deleted_at_version is null order by attr_id limit 1), " otherwise ")"

#define NOT_AVAILABLE \
    ERROR "g.line, format('Requested resource is not available: \"%s\"', coalesce(g.string_value, g.int_value::text)) from "

#define HIGHEST \
    "(select a.key, least(max(a.number)::bigint + 1, 2147483647)::integer as value from muster_import_attr a" \
    " join muster_import_key k on k.key = a.key where a.subkey = 'manager' and not a.gone group by a.key) h"
#define META \
    "(select entity_id from entities where name = 'clustometa' and deleted_at_version is null order by entity_id limit 1)"

#define ROW(name, params, text) {"import_" name, params, STMT_ONCE, text}
#define WRITE(name, params, text) {"import_" name, params, STMT_ONCE | STMT_TAKES_VERSION, text}

const struct stmt_row import_rows[IMPORT_STMT_COUNT] = {
    [IMPORT_LOCK] = ROW("lock", "", "select pg_try_advisory_xact_lock(1836413812, 16)"),
    /* A client may be slow, and statements take as long as the file is large; but one whose worker is gone is
     * to end. What is there is read as a whole: the planner is left alone. */
    [IMPORT_SETTINGS] = ROW("settings", "",
        "select set_config(s.name, v.value, true) from (values ('statement_timeout', '0'),"
        " ('idle_in_transaction_session_timeout', '600000'), ('client_connection_check_interval', '2000'),"
        " ('enable_seqscan', 'on'), ('enable_bitmapscan', 'on'), ('enable_hashjoin', 'on'), ('enable_mergejoin', 'on'),"
        " ('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024, 65536)::text)) as v(name, value)"
        " join pg_settings s on s.name = v.name"),
    [IMPORT_TABLES] = ROW("tables", "",
        "do $$ begin"
        " create temporary table muster_import_object (line integer, name text, driver text, type text,"
        " all_attrs boolean, all_in boolean) on commit drop;"
        " create temporary table muster_import_attr (line integer, ord integer, key text, subkey text, number integer,"
        " datatype text, int_value bigint, string_value text, datetime_value timestamp, target_driver text, target text,"
        " gone boolean, only_new boolean) on commit drop;"
        " create temporary table muster_import_in (line integer, ord integer, container text, subkey text, number integer)"
        " on commit drop;"
        " create temporary table muster_import_rule (driver text, rule integer, is_device integer) on commit drop;"
        " create temporary table muster_import_key (key text, of_manager integer) on commit drop;"
        " create temporary table muster_import_ref (id integer, name text, driver text, line integer, fresh boolean)"
        " on commit drop;"
        " create temporary table muster_import_keep (attr_id integer, line integer, ord integer) on commit drop;"
        " create index on muster_import_keep (line, ord);"
        " create temporary table muster_import_end (attr_id integer) on commit drop;"
        " create temporary table muster_import_was (attr_id integer, container integer, member integer, subkey text,"
        " number integer, replaced boolean, gone boolean, rule integer, driver text, name text) on commit drop;"
        " create temporary table muster_import_new (line integer, ord integer, container integer, member integer,"
        " subkey text, number integer, rule integer, driver text, name text, member_name text, is_device boolean)"
        " on commit drop;"
        " create temporary table muster_import_inner (line integer, container integer, member integer) on commit drop;"
        " create index on muster_import_inner (member);"
        " create temporary table muster_import_given (line integer, object integer, key text, int_value bigint,"
        " string_value text, manager integer) on commit drop;"
        " create temporary table muster_import_error (line integer, error text) on commit drop;"
        " end $$"),
    [IMPORT_RULES] = ROW("rules", "TII", "insert into muster_import_rule select * from unnest($1, $2, $3)"),
    [IMPORT_KEYS] = ROW("keys", "TI", "insert into muster_import_key select * from unnest($1, $2)"),

    [IMPORT_COPY_OBJECTS] = ROW("copy_objects", "", "copy muster_import_object from stdin"),
    [IMPORT_COPY_ATTRS] = ROW("copy_attrs", "", "copy muster_import_attr from stdin"),
    [IMPORT_COPY_MEMBERSHIPS] = ROW("copy_memberships", "", "copy muster_import_in from stdin"),

    [IMPORT_ANALYZE] = ROW("analyze", "",
        "do $$ begin create index on muster_import_object (name); create index on muster_import_attr (line);"
        " analyze muster_import_object; analyze muster_import_attr; analyze muster_import_in; analyze muster_import_rule;"
        " analyze muster_import_key; end $$"),
    /* What is changed, and what contains or will contain it. */
    [IMPORT_REF_LOCKED] = ROW("ref_locked", "",
        REFER "e.entity_id, e.name, e.driver, o.line, false from "
        LOCKED(IDS_OF("select name from muster_import_object union select container from muster_import_in"), "no key update")
        " left join (select name, min(line) as line from muster_import_object group by name) o on o.name = e.name"),
    [IMPORT_REF_LEFT] = ROW("ref_left", "",
        REFER "e.entity_id, e.name, e.driver, null, false from "
        LOCKED("select distinct a.entity_id as id from muster_import_object o join muster_import_ref r on r.line = o.line"
               " cross join " MEMBERSHIPS_OF("r.id") " a where o.all_in"
               " and not exists (select from muster_import_ref k where k.id = a.entity_id)", "no key update")),
    /* What is referred to stays. */
    [IMPORT_REF_TARGETS] = ROW("ref_targets", "",
        REFER "e.entity_id, e.name, e.driver, null, false from "
        LOCKED(IDS_OF("select distinct a.target as name from muster_import_attr a where a.target is not null"
                      " and not exists (select from muster_import_ref k where k.name = a.target)"), "key share")),
    [IMPORT_REF_FRESH] = ROW("ref_fresh", "",
        REFER "nextval((select pg_get_serial_sequence('entities', 'entity_id')::regclass)), f.name, f.driver, f.line, true"
        " from (select * from (select distinct on (o.name) o.name, o.driver, o.line from muster_import_object o"
        " where not exists (select from muster_import_ref r where r.name = o.name) order by o.name, o.line) d"
        " order by d.line) f"),
    [IMPORT_REF_INDEX] = ROW("ref_index", "",
        "do $$ begin create index on muster_import_ref (name); create index on muster_import_ref (id);"
        " create index on muster_import_ref (line); analyze muster_import_ref; end $$"),
    /* Objects that are made, that are there; memberships that were sent; is there a unique index on names? */
    [IMPORT_COUNTS] = ROW("counts", "",
        "select count(*) filter (where fresh), count(*) filter (where not fresh and line is not null),"
        " (select count(*) from muster_import_in), (select count(*) from muster_import_object where all_in),"
        " (to_regclass('muster_entities_name') is not null)::integer from muster_import_ref"),
    /* Without a unique index, as STMT_LOCK_NAMES. */
    [IMPORT_LOCK_NAMES] = ROW("lock_names", "",
        "select pg_advisory_xact_lock(1836413813, n.lock)"
        " from (select distinct hashtext(name) & 511 as lock from muster_import_object order by 1) as n"),

    [IMPORT_ONLY_NEW] = ROW("only_new", "",
        "delete from muster_import_attr a using muster_import_ref r where a.only_new and r.line = a.line and not r.fresh"),
    /* Rows that say what was sent, of equal ones as many. */
    [IMPORT_KEEP] = ROW("keep", "",
        "insert into muster_import_keep (attr_id, line, ord) select l.attr_id, g.line, g.ord from ("
        "select *, row_number() over (partition by id, key, " EQUAL_ONES " order by ord) as n from ("
        "select a.*, r.id, t.id as relation_id from muster_import_attr a"
        " join muster_import_ref r on r.line = a.line and not r.fresh"
        " left join muster_import_ref t on t.name = a.target where not a.gone) s) g join ("
        "select a.*, row_number() over (partition by a.entity_id, key, " EQUAL_ONES " order by attr_id) as n"
        " from muster_import_ref r cross join " ATTRS_OF("r.id") " a where r.line is not null and not r.fresh) l"
        " on l.entity_id = g.id and l.key = g.key and l.n = g.n and l.datatype = g.datatype"
        SAME("l", "g", "subkey") SAME("l", "g", "number") SAME("l", "g", "int_value") SAME("l", "g", "string_value")
        SAME("l", "g", "datetime_value") SAME("l", "g", "relation_id")),
    [IMPORT_END] = ROW("end", "",
        "insert into muster_import_end (attr_id) select e.attr_id from ("
        "select a.attr_id from " EXISTING " cross join " ATTRS_OF("r.id") " a where o.all_attrs"
        " union all select a.attr_id from " EXISTING " cross join " ATTRS_OF("r.id") " a join (select distinct line, key, subkey, number from muster_import_attr) s"
        " on s.line = o.line and s.key = a.key" SAME("s", "a", "subkey") SAME("s", "a", "number") " where not o.all_attrs) e"
        " where not exists (select from muster_import_keep k where k.attr_id = e.attr_id)"),

    [IMPORT_WAS] = ROW("was", "",
        "insert into muster_import_was select a.attr_id, a.entity_id, r.id, a.subkey, a.number, o.all_in, false,"
        " coalesce(u.rule, 0), c.driver, c.name from " EXISTING " cross join " MEMBERSHIPS_OF("r.id") " a cross join lateral (select name, driver from entities"
        " where entity_id = a.entity_id and coalesce(deleted_at_version, 0) = 0 offset 0) c"
        " left join muster_import_rule u on u.driver = c.driver"
        " where o.all_in or o.line in (select line from muster_import_in)"),
    /* Each once; in a rack for each unit. */
    [IMPORT_NEW] = ROW("new", "",
        "insert into muster_import_new select distinct on (container, member, unit) line, ord, container, member, subkey,"
        " number, rule, driver, name, member_name, is_device from ("
        "select i.line, i.ord, c.id as container, m.id as member, i.subkey, i.number, coalesce(u.rule, 0) as rule,"
        " c.driver, c.name, m.name as member_name, coalesce(d.is_device, 0) = 1 as is_device,"
        " case when u.rule = " RACK " then i.number end as unit"
        " from muster_import_in i join muster_import_ref m on m.line = i.line join muster_import_ref c on c.name = i.container"
        " left join muster_import_rule u on u.driver = c.driver left join muster_import_rule d on d.driver = m.driver) s"
        " order by container, member, unit, line, ord"),
    [IMPORT_GONE] = ROW("gone", "",
        "update muster_import_was w set gone = true where w.replaced"
        " and not exists (select from muster_import_new n where " SAME_MEMBERSHIP ")"),
    [IMPORT_IN_ALREADY] = ROW("in_already", "",
        "delete from muster_import_new n using muster_import_was w where " SAME_MEMBERSHIP " and not w.gone"),
    /* Only what contains something can close a circle. */
    [IMPORT_INNER] = ROW("inner", "",
        "insert into muster_import_inner (line, container, member) select n.line, n.container, n.member from muster_import_new n"
        " where n.member in (select container from muster_import_new) or exists (select from entity_attrs"
        " where entity_id = n.member and key = '_contains' and deleted_at_version is null)"),
    [IMPORT_ANALYZE_MORE] = ROW("analyze_more", "",
        "do $$ begin create index on muster_import_end (attr_id); analyze muster_import_keep; analyze muster_import_end;"
        " analyze muster_import_was; analyze muster_import_new; analyze muster_import_inner; end $$"),

    /* Resources that are not held yet; of a manager that gives each once, with the manager. */
    [IMPORT_GIVEN] = ROW("given", "",
        "insert into muster_import_given select a.line, r.id, a.key, a.int_value, a.string_value,"
        " case when k.of_manager = 1 then t.id end"
        " from muster_import_attr a join muster_import_key k on k.key = a.key join muster_import_ref r on r.line = a.line"
        " left join muster_import_attr m on k.of_manager = 1 and m.line = a.line and m.key = a.key and m.number = a.number"
        " and m.subkey = 'manager' and not m.gone"
        " left join muster_import_ref t on t.name = m.target"
        " where a.subkey is null and not a.gone and (k.of_manager = 0 or t.id is not null)"
        " and (a.datatype = 'int' or (a.datatype = 'string' and a.key <> 'ip'))"
        " and not " IS_KEPT),
    /* As STMT_CLAIM: of a few each; whoever allocates waits for the import of many. */
    [IMPORT_CLAIM] = ROW("claim", "",
        "select pg_advisory_xact_lock(hashtextextended(c.what, 3)) from (select distinct"
        " key || '=' || coalesce(string_value, int_value::text) as what from muster_import_given order by 1) c"),
    [IMPORT_CLAIM_ALL] = ROW("claim_all", "", "select pg_advisory_xact_lock(1836413812, 17)"),

    [IMPORT_CHECK_TWICE] = ROW("check_twice", "",
        ERROR "line, format('\"%s\" is duplicated: it is in line %s, too', name, first) from (select line, name,"
        " min(line) over (partition by name) as first from muster_import_object) d where line <> first"),
    [IMPORT_CHECK_EXISTS] = ROW("check_exists", "",
        ERROR "line, format('\"%s\" already exists', name) from muster_import_ref"
        " where line is not null and not fresh and driver <> 'clustometa'"),
    [IMPORT_CHECK_DRIVER] = ROW("check_driver", "",
        ERROR "o.line, case when not r.fresh then format('The driver for object \"%s\" is not \"%s\"', o.name, o.driver)"
        " when o.driver is null then format('\"%s\" does not exist: a driver is needed to create it', o.name)"
        " else 'clustometa cannot be created or deleted' end"
        " from muster_import_object o join muster_import_ref r on r.line = o.line"
        " where (not r.fresh and o.driver <> r.driver) or (r.fresh and coalesce(o.driver, 'clustometa') = 'clustometa')"),
    [IMPORT_CHECK_CONTAINERS] = ROW("check_containers", "",
        ERROR "distinct i.line, format('Object \"%s\" not found (%s does not exist.)', i.container, i.container)"
        " from muster_import_in i where not exists (select from muster_import_ref r where r.name = i.container)"),
    [IMPORT_CHECK_TARGETS] = ROW("check_targets", "",
        ERROR "a.line, case when r.id is null then format('Object \"%s\" not found (%s does not exist.)', a.target, a.target)"
        " else format('The driver for object \"%s\" is not \"%s\"', a.target, a.target_driver) end"
        " from muster_import_attr a left join muster_import_ref r on r.name = a.target"
        " where a.target is not null and (r.id is null or r.driver is distinct from a.target_driver)"),
    [IMPORT_CHECK_RANGE] = ROW("check_range", "",
        ERROR "line, format('Error casting %s into a(n) int: this database takes -2147483648 to 2147483647', int_value)"
        " from muster_import_attr where int_value not between -2147483648 and 2147483647 and not exists ("
        "select from pg_attribute where attrelid = 'entity_attrs'::regclass and attname = 'int_value' and atttypid = 'bigint'::regtype)"),
    [IMPORT_CHECK_SELF] = ROW("check_self", "",
        ERROR "line, case when container = member then format('\"%s\" cannot be put into itself', member_name)"
        " else format('\"%s\" is not a device: only devices can be racked', member_name) end"
        " from muster_import_new where container = member or (rule = " RACK " and not is_device)"),
    [IMPORT_CHECK_OTHERS] = ROW("check_others", "",
        EXCLUDED("muster_import_was", "not w.gone")),
    /* What is sent together may be put in in any order. */
    [IMPORT_CHECK_BOTH] = ROW("check_both", "",
        EXCLUDED("muster_import_new", "(w.line, w.ord) < (n.line, n.ord) and " EXCLUDES("w", "n"))),
    [IMPORT_CHECK_UNITS] = ROW("check_units", "",
        ERROR "distinct n.line, 'Provide at least one unit, with the subkey \"ru\", to put a device into a rack'"
        " from muster_import_new n where n.rule = " RACK " and (n.subkey is distinct from 'ru' or n.number is null)"),
    [IMPORT_CHECK_RANGE_OF_RACK] = ROW("check_range_of_rack", "",
        "with said as materialized (select r.id, a.key, min(a.int_value) as value from muster_import_attr a"
        " join muster_import_ref r on r.line = a.line where a.key in ('minu', 'maxu') and a.subkey = 'property'"
        " and a.datatype = 'int' and not a.gone group by r.id, a.key),"
        " rack as materialized (select r.container, " UNIT("minu", "1") " as low, " UNIT("maxu", "45") " as high"
        " from (select distinct container from muster_import_new where rule = " RACK ") r) "
        ERROR "n.line, format('rackU must be from %s to %s in \"%s\"', k.low, k.high, n.name)"
        " from muster_import_new n join rack k on k.container = n.container where n.number not between k.low and k.high"),
    /* A device that is in the rack stays in its units. */
    [IMPORT_CHECK_ADJACENT] = ROW("check_adjacent", "",
        "with units as (select container, member, number, false as other from muster_import_new where rule = " RACK
        " union select w.container, w.member, w.number, not w.replaced from muster_import_was w"
        " join (select distinct container, member from muster_import_new where rule = " RACK ") n"
        " on n.container = w.container and n.member = w.member where not w.gone),"
        " odd as (select container, member, string_agg(number::text, ', ' order by number) filter (where other) as others"
        " from units group by container, member having bool_or(other) or max(number) - min(number) + 1 <> count(number)) "
        ERROR "min(n.line), case when o.others is null then 'the units of rackU must be adjacent'"
        " else format('\"%s\" is already in unit %s of \"%s\"', n.member_name, o.others, n.name) end"
        " from odd o"
        " join muster_import_new n on n.container = o.container and n.member = o.member"
        " group by n.container, n.member, n.member_name, n.name, o.others"),
    [IMPORT_CHECK_OCCUPIED] = ROW("check_occupied", "",
        ERROR "n.line, format('unit %s of \"%s\" is occupied', n.number, n.name) from muster_import_new n"
        " cross join lateral (select a.attr_id from entity_attrs a where a.entity_id = n.container and a.key = '_contains'"
        " and a.subkey = 'ru' and a.number = n.number and a.relation_id <> n.member and a.deleted_at_version is null offset 0) a"
        " where n.rule = " RACK " and not exists (select from muster_import_was w where w.attr_id = a.attr_id and w.gone)"),
    [IMPORT_CHECK_UNIT_TWICE] = ROW("check_unit_twice", "",
        ERROR "line, format('unit %s of \"%s\" is occupied', number, name) from (select line, number, name,"
        " row_number() over (partition by container, number order by line, ord) as n from muster_import_new"
        " where rule = " RACK " and number is not null) u where n > 1"),
    [IMPORT_CHECK_CIRCLES] = ROW("check_circles", "",
        "with recursive up(start, id) as (select member, container from muster_import_inner union select u.start, a.container"
        " from up u cross join lateral (select container from muster_import_inner where member = u.id"
        " union all select entity_id from entity_attrs e where e.relation_id = u.id and e.key || '' = '_contains'"
        " and e.deleted_at_version is null and not exists (select from muster_import_was w where w.attr_id = e.attr_id and w.gone)"
        " offset 0) a),"
        " circle as materialized (select distinct start from up where start = id) "
        ERROR "distinct n.line, format('\"%s\" contains \"%s\" and cannot be put into it', n.member_name, n.name)"
        " from muster_import_inner i join circle u on u.start = i.member"
        " join muster_import_new n on n.member = i.member and n.container = i.container where n.container <> n.member"),
    [IMPORT_CHECK_GIVEN_TWICE] = ROW("check_given_twice", "",
        NOT_AVAILABLE "(select *, row_number() over (partition by key, int_value, string_value, manager order by line) as n"
        " from muster_import_given) g where n > 1"),
    [IMPORT_CHECK_HELD] = ROW("check_held", "",
        NOT_AVAILABLE "muster_import_given g cross join lateral (select e.entity_id from entity_attrs e where e.key = g.key"
        " and (e.subkey is null) is true and e.deleted_at_version is null and e.entity_id <> g.object"
        " and ((g.int_value is not null and e.int_value = g.int_value) or (g.string_value is not null"
        " and left(e.string_value, 64) = left(g.string_value, 64) and e.string_value = g.string_value))"
        " and not exists (select from muster_import_end x where x.attr_id = e.attr_id)"
        " and (g.manager is null or exists (select from entity_attrs m where m.entity_id = e.entity_id and m.key = e.key"
        " and m.number = e.number and (m.subkey = 'manager') is true and m.relation_id = g.manager and m.deleted_at_version is null))"
        " limit 1) h"),
    /* A name that was sent may be as long as its line. */
    [IMPORT_ERRORS] = ROW("errors", "i",
        "select line, left(error, 1000), count(*) over () from muster_import_error order by line, error limit $1"),

    /* The plans of the foreign keys' checks are kept: they must go by an index, however small the table is
     * now. So must what follows then, where tables are joined: for each there is one. */
    [IMPORT_BY_INDEX] = ROW("by_index", "",
        "select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)"),
    [IMPORT_INSERT_OBJECTS] = WRITE("insert_objects", "i",
        "insert into entities (entity_id, name, type, driver, version) select r.id, r.name, o.type, o.driver, " VERSION
        " from muster_import_ref r join muster_import_object o on o.line = r.line where r.fresh order by r.id"
        " on conflict do nothing"),
    [IMPORT_END_ATTRS] = WRITE("end_attrs", "",
        "update entity_attrs set deleted_at_version = " HISTORY_CURRENT
        " where attr_id in (select attr_id from muster_import_end union all"
        " select attr_id from muster_import_was where gone) and coalesce(deleted_at_version, 0) = 0"),
    [IMPORT_ERASE_ATTRS] = WRITE("erase_attrs", "",
        "delete from entity_attrs where attr_id in (select attr_id from muster_import_end union all"
        " select attr_id from muster_import_was where gone) and coalesce(deleted_at_version, 0) = 0"),
    [IMPORT_INSERT_ATTRS] = WRITE("insert_attrs", "i",
        "insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, string_value, datetime_value,"
        " relation_id, version)"
        " select r.id, a.key, a.subkey, a.number, a.datatype, a.int_value, a.string_value, a.datetime_value, t.id, " VERSION
        " from muster_import_attr a join muster_import_ref r on r.line = a.line"
        " left join muster_import_ref t on t.name = a.target"
        " where not a.gone and not " IS_KEPT " order by a.line, a.ord"),
    /* As STMT_INSERT_MEMBERS; numbers that were sent stay, and the counter is past them. What shares with
     * nothing comes first. */
    [IMPORT_INSERT_MEMBERS] = WRITE("insert_members", "i",
        "with need as materialized (select container, count(*) filter (where number is null)::integer as n,"
        " coalesce(max(number), -1) as high from muster_import_new where rule <> " RACK " group by container),"
        " bumped as (update counters c set value = greatest(coalesce(c.value, -1), w.high) + w.n from need w"
        " where c.entity_id = w.container and c.attr_key = '_contains' returning c.entity_id, c.value),"
        " made as (insert into counters (entity_id, attr_key, value) select w.container, '_contains', w.high + w.n from need w"
        " where not exists (select from bumped b where b.entity_id = w.container) and " COUNTS
        " order by w.container on conflict do nothing returning entity_id, value),"
        " top as materialized (select entity_id, max(value) as value from (select * from bumped union all select * from made) v"
        " group by entity_id)"
        " insert into entity_attrs (entity_id, key, subkey, number, datatype, relation_id, version)"
        " select n.container, '_contains', n.subkey, n.number, 'relation', n.member, " VERSION " from ("
        "select w.line, w.ord, w.rule, w.container, w.member, w.subkey, coalesce(w.number::bigint, t.value - d.n"
        " + row_number() over (partition by w.container, w.number is null order by w.line, w.ord))::integer as number"
        " from muster_import_new w left join top t on t.entity_id = w.container left join need d on d.container = w.container"
        " where w.rule = " RACK " or t.value is not null) n order by n.rule <> 0, n.line, n.ord"),
    /* Existing objects that were changed, new memberships. */
    [IMPORT_CHANGED] = ROW("changed", "",
        "select (select count(*) from (select r.id from muster_import_ref r join muster_import_new n on n.member = r.id"
        " where not r.fresh union select r.id from muster_import_ref r join muster_import_was w on w.member = r.id where w.gone"
        " union select r.id from muster_import_ref r join muster_import_attr a on a.line = r.line where not r.fresh and not a.gone"
        " and not " IS_KEPT " union select e.entity_id from entity_attrs e join muster_import_end x on x.attr_id = e.attr_id) c),"
        " (select count(*) from muster_import_new)"),
    /* Where numbers for what managers give go on: past those that came with the import. */
    [IMPORT_BUMP_NUMBERS] = ROW("bump_numbers", "",
        "update counters c set value = h.value from " HIGHEST
        " where c.entity_id = " META " and c.attr_key = h.key and coalesce(c.value, 0) < h.value"),
    [IMPORT_MAKE_NUMBERS] = ROW("make_numbers", "",
        "insert into counters (entity_id, attr_key, value) select m.entity_id, h.key, h.value from " HIGHEST
        " cross join " META " m where not exists (select from counters c where c.entity_id = m.entity_id and c.attr_key = h.key)"
        " on conflict do nothing"),
};
/* clang-format on */
