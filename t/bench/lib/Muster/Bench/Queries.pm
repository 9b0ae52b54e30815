# Muster::Bench::Queries: what questions cost, beside the lists that answer the same, SQL that was
# written for one of them by hand, and inventories of another size.
package Muster::Bench::Queries;
use v5.24;
use warnings;
use Muster::Bench::Data;
use Muster::Bench::Run;
use Muster::Process qw(poll slurp);

my $first = Muster::Bench::Data::FIRST - 1;

sub escape { return $_[0] =~ s/([^\w-])/sprintf '%%%02X', ord $1/ger }

sub path { return '/query?q=' . escape($_[0]) }

# Lua: a request with a server's number for each #.
sub any_number {
    my ($n, $path) = @_;
    my $text = "'" . ($path =~ s/(?:#|%23)/' .. n .. '/gr) . "'";
    return "request = function() local n = $first + math.random($n); return wrk.format('GET', $text) end\n";
}

my %page = ('Clusto-After' => 0, 'Clusto-Per-Page' => 50);

# Beside a list that answers the same.
sub same_as_list {
    my ($run, $what, $question, $list, $most) = @_;
    my ($n, $muster) = ($run->servers, $run->world->muster('plain'));
    my %by = $run->compare(
        "query: $what",
        [
            $run->over_http('query', $muster, any_number($n, path($question))),
            $run->over_http('list',  $muster, any_number($n, $list)),
        ],
    );
    $run->judge('query', $what, @by{qw(query list)}, most => $most);
    return;
}

# A page of a question that has several tests: SQL by hand that answers it, whatever the database holds. Pools may
# be in pools: those that are in it are found by the index of members, from one to the next that is a container
# itself, and is there. There is a second driver that is a basicserver, and memory may be of any datatype: of a date
# the year decides, and the path of a relation begins with a slash. Of four that find the same this is the fastest: to
# ask of each member whether it is a container, or to collect all that is inside first, takes seven times as long.
sub by_hand {
    my ($roles) = @_;
    return "\\set r random(1, $roles)\n" . <<'SQL' =~ s/\n/ /gr;
with recursive w(container, at, is_in) as (
  select entity_id, 0, false from entities where name = 'role' || :r and type = 'pool' and deleted_at_version is null
  union
  select n.* from w cross join lateral (
    select w.container, c.entity_id, c.entity_id = m.relation_id
      from lateral (select relation_id from entity_attrs where key = '_contains' and coalesce(deleted_at_version, -1) = -1
        and entity_id::bigint = w.container and relation_id::bigint >= w.at::bigint + w.is_in::integer order by relation_id::bigint limit 1) m
      cross join lateral (select entity_id from entity_attrs where key = '_contains' and coalesce(deleted_at_version, -1) = -1
        and entity_id::bigint >= m.relation_id order by entity_id::bigint limit 1) c
    union all select entity_id, 0, false from entities where w.is_in and entity_id = w.at and deleted_at_version is null) n)
select distinct on (i.entity_id) i.* from w cross join lateral (
  select e.entity_id, e.name, e.driver, e.type
    from entity_attrs m join entities e on e.entity_id = m.relation_id and e.deleted_at_version is null
   where m.entity_id::bigint = w.container and m.key = '_contains' and coalesce(m.deleted_at_version, -1) = -1 and m.relation_id::bigint > :zero
     and e.driver in ('basicserver', 'basicvirtualserver')
     and exists (select from entity_attrs a where a.entity_id = e.entity_id and a.key = 'system' and a.subkey = 'memory' and a.deleted_at_version is null
       and case when a.datatype = 'int' then a.int_value >= 32 when a.datatype = 'string' and a.string_value ~ '^-?[0-9]{1,200}$' then a.string_value::numeric >= 32
         when a.datatype = 'datetime' then to_char(a.datetime_value, 'YYYY') collate "C" >= '32' when a.datatype = 'relation' then false
         else a.string_value collate "C" >= '32' end)
     and not exists (select from entity_attrs a where a.entity_id = e.entity_id and a.key = 'retired' and a.deleted_at_version is null)
   order by m.relation_id::bigint limit 51) i
 where w.at = 0 order by i.entity_id limit 51;
SQL
}

# The same for who has the pool's id and knows that no pool is in another, that the servers are of one driver and that their
# memory is an int.
sub knowing {
    my ($roles, $first) = @_;
    return "\\set r $first + random(1, $roles)\n" . <<'SQL' =~ s/\n/ /gr;
select e.entity_id, e.name, e.driver, e.type
  from entity_attrs m join entities e on e.entity_id = m.relation_id and e.deleted_at_version is null
 where m.entity_id::bigint = :r and m.key = '_contains' and coalesce(m.deleted_at_version, -1) = -1 and m.relation_id::bigint > :zero
   and e.driver = 'basicserver'
   and exists (select from entity_attrs a where a.entity_id = e.entity_id and a.key = 'system' and a.subkey = 'memory' and a.datatype = 'int'
               and a.int_value >= 32 and a.deleted_at_version is null)
   and not exists (select from entity_attrs a where a.entity_id = e.entity_id and a.key = 'retired' and a.deleted_at_version is null)
 order by m.relation_id::bigint limit 51;
SQL
}

# The statement that a question is sent as, as pgbench's script: with its parameters' values, but for one.
sub as_sent {
    my ($run, $path, $value, $instead) = @_;
    my ($postgres, $target) = ($run->world->postgres, $run->world->muster('plain'));
    my $log = "$postgres->{dir}/log";
    $postgres->setting(log_statement => 'all');
    my $before = -s $log;
    poll(10, sub {
        $target->{client}->get($path, headers => \%page);
        return slurp($log) =~ /execute query\d+: /;
    }) or die "no statement in $log";
    $postgres->setting(log_statement => 'none');
    my ($sql, $parameters) = substr(slurp($log), $before) =~ /execute query\d+: (.*)\n.*DETAIL:  parameters: (.*)\n/ or die "no statement for $path";
    my %value = $parameters =~ /\$(\d+) = ('(?:[^']|'')*')/g;
    $_ eq "'$value'" and $_ = $instead for values %value;
    $sql =~ s/HH24:MI:SS/HH24.MI.SS/g; # pgbench would take these for variables
    return $sql =~ s/\$(\d+)/$value{$1}/gr;
}

sub several {
    my ($run) = @_;
    my ($data, $muster) = ($run->world->data, $run->world->muster('plain'));
    my ($roles, $role) = ($data->count('role'), $data->id('role', 1) - 1);
    my ($question, $tests) = ('is basicserver and attr system.memory >= 32 and pool', ' and not attr retired exists');
    my $path = path("$question = ") . q{role' .. math.random(} . $roles . q{) .. '} . escape($tests);
    my $page = sub {
        my ($after) = @_;
        return "wrk.headers['Clusto-After'] = '$after'\nwrk.headers['Clusto-Per-Page'] = '50'\n"
            . "request = function() return wrk.format('GET', '$path') end\n";
    };
    my %by = $run->compare(
        'query: several tests',
        [
            $run->over_http('first', $muster, $page->(0)),
            $run->over_http('next',  $muster, $page->(Muster::Bench::Data::SERVER_ID + int($run->servers / 2))),
            $run->in_pgbench('sent', "\\set r random(1, $roles)\n" . as_sent($run, path("$question = role1$tests"), 'role1', "'role' || :r") . ';'),
            $run->in_pgbench('by hand', by_hand($roles), zero => 0),
            $run->in_pgbench('knowing', knowing($roles, $role), zero => 0),
        ],
        slow => 1,
    );
    # Beside pgbench the database has the processors, and their caches, for itself.
    $run->judge('query', 'a page of four tests, of SQL by hand', @by{ 'sent', 'by hand' }, payers => ['database'], most => 1.25);
    $run->judge('query', '    of SQL that knows what is there',  @by{qw(sent knowing)},    payers => ['database']);
    $run->judge('query', '    over HTTP, of SQL by hand',        @by{ 'first', 'by hand' }, payers => ['database']);
    $run->judge('query', '    the next page, of the first',      @by{qw(next first)},    most => 1.25);
    return;
}

# The same question of two inventories.
sub grown {
    my ($run, $what, $question, %headers) = @_;
    my $world = $run->world;
    my %by    = $run->compare(
        "query: $what",
        [ map { $run->over_http($_, $world->muster($_ eq 'small' ? 'small' : 'plain'), Muster::Bench::Run::always(path($question), %headers)) } qw(small large) ],
        slow => 1,
    );
    $run->judge('query', sprintf('%s: %d servers, of %d', $what, $run->servers, $world->data('small')->count('server')),
        @by{qw(large small)}, most => 2);
    return;
}

sub queries {
    my ($run) = @_;
    same_as_list($run, 'by-attr\'s question, of by-attr', 'attr system.serial = SN#', '/by-attr?key=system&subkey=serial&value=SN#', 1.11);
    same_as_list($run, 'name = x, of by-name', 'name = server#', '/by-name/server#', 1.25);
    several($run);
    grown($run, 'a page where half match', 'attr ip exists', %page);
    my $muster = $run->world->muster('plain');
    my %by     = $run->compare('query: pools',
        [ map { $run->over_http($_, $muster, Muster::Bench::Run::always(path("pool = $_"), %page)) } qw(few many) ], slow => 1);
    $run->judge('query', sprintf('a page of a pool: %d members, of %d', $run->option('crowd'), Muster::Bench::Data::FEW),
        @by{qw(many few)}, most => 1.5);
    return;
}

1;
