# Muster::Bench::Scenarios: what is measured, and what is wanted of it.
package Muster::Bench::Scenarios;
use v5.24;
use warnings;
use IO::Socket::INET ();
use JSON::PP         ();
use Muster::Bench::Data;
use Muster::Bench::Load qw(pgbench wrk);
use Muster::Bench::Race qw(median race);
use Muster::Process qw(poll);
use Time::HiRes qw(time);

my ($world, $report, $option);

# In this order: what writes comes behind what reads.
my @scenarios = (
    [ 'by-name',     \&by_name ],
    [ 'compact',     \&compact ],
    [ 'attribute',   \&attribute ],
    [ 'document',    \&document ],
    [ 'path',        \&path ],
    [ 'from-pools',  \&from_pools ],
    [ 'pool-of-100', \&pool_of_100 ],
    [ 'list',        \&list ],
    [ 'gone',        \&gone ],
    [ 'tail',        \&tail ],
    [ 'growth',      \&growth ],
    [ 'keyset',      \&keyset ],
    [ 'hot',         \&hot ],
    [ 'hot-mixed',   \&hot_mixed ],
    [ 'set',         \&set ],
    [ 'set-prefs',   \&set_preferences ],
    [ 'bulk',        \&bulk ],
);

sub names { return map { $_->[0] } @scenarios }

sub run {
    ($world, $report, $option) = @_;
    my %only = map { $_ => 1 } split /,/, $option->{only} // '';
    for my $scenario (@scenarios) {
        my ($name, $code) = @$scenario;
        next if %only && !$only{$name};
        $code->();
    }
    if ($option->{peers}) {
        require Muster::Bench::Peers;
        Muster::Bench::Peers::run_all($world, $report, $option);
    }
    return;
}

# --- runners

sub database_group { return (database => [ $world->postgres->{process}->pid ]) }

# One that answers HTTP. $lua as Load::wrk's; more: clients.
sub over_http {
    my ($name, $target, $lua, %more) = @_;
    my $clients = $more{clients} // $option->{clients};
    return {
        name   => $name,
        groups => { front => $target->{front}, program => $target->{program}, database_group() },
        run    => sub {
            my ($seconds, $seed) = @_;
            return wrk(url => $target->{url}, lua => $lua, clients => $clients, seconds => $seconds, seed => $seed);
        },
    };
}

# The database alone, over as many connections as there are workers.
sub in_pgbench {
    my ($name, $sql, %variables) = @_;
    return {
        name   => $name,
        groups => { database_group() },
        run    => sub {
            my ($seconds, $seed) = @_;
            return pgbench(
                postgres  => $world->postgres,
                database  => 'large',
                sql       => $sql,
                variables => { managers => $world->{managers}[0], resources => $world->{managers}[1], %variables },
                clients   => $option->{workers},
                session   => $world->session,
                seconds   => $seconds,
                seed      => $seed,
            );
        },
    };
}

# Measures these and keeps the figures; by name.
sub compare {
    my ($id, @runners) = @_;
    my @results = race($option, @runners);
    $report->race($id, @results);
    for my $result (@results) {
        $report->note("$id: $result->{errors} errors of $result->{name}") if $result->{errors};
    }
    return map { $_->{name} => $_ } @results;
}

sub ratio {
    my ($a, $b) = @_;
    return $a && $b && $b->{rate} ? $a->{rate} / $b->{rate} : undef;
}

sub noisy { return (grep { $_->{noisy} } @_) ? 1 : 0 }

# --- questions

sub servers { return $world->data->count('server') }

my $first = Muster::Bench::Data::FIRST - 1;

# Lua: a request for each of `count` things, by chance; `$path` has the number as N.
sub any_of {
    my ($count, $path, %headers) = @_;
    my $lua = join '', map { "wrk.headers['$_'] = '$headers{$_}'\n" } sort keys %headers;
    my $text = "'" . ($path =~ s/N/' .. n .. '/r) . "'";
    return "${lua}request = function() local n = $first + math.random($count); return wrk.format('GET', $text) end\n";
}

# SQL: the same choice for pgbench, as :n, and the entity's id as :id.
sub any_number {
    my ($count) = @_;
    my $from = $first + 1;
    my $to   = $first + $count;
    my $base = Muster::Bench::Data::SERVER_ID - $first;
    return "\\set n random($from, $to)\n\\set id $base + :n\n";
}

# An answer whatever the order of its members.
sub in_order {
    my ($answer) = @_;
    state $json = JSON::PP->new->canonical->allow_nonref;
    return defined $answer->{json} ? $json->encode($answer->{json}) : $answer->{body};
}

# What is there to compare with, that it is the same, and all of it in one race. $least is of bare.
sub read_race {
    my ($id, $what, %of) = @_;
    my $muster  = $world->muster('plain');
    my $bare    = $world->bare($of{bare});
    my $example = $of{example};
    my $answer  = $muster->{client}->get($example, headers => $of{headers} // {});
    my $same    = $bare->{client}->get($example, headers => $of{headers} // {});
    die "$example: status $answer->{status}, $answer->{body}\n" if $answer->{status} != 200;
    $report->note("$id: the bare responder's answer is not the same:\n$same->{body}\n$answer->{body}")
        if in_order($same) ne in_order($answer) || length $same->{body} != length $answer->{body};
    my ($ours, $theirs) = map { join ' ', sort keys %{ $_->{headers} } } $answer, $same;
    $report->note("$id: the bare responder's headers are not the same: $theirs; $ours") if $ours ne $theirs;
    my $constant = $world->constant($answer->{body});
    my %by       = compare(
        $id,
        over_http('muster',   $muster,   $of{lua}),
        over_http('bare',     $bare,     $of{lua}),
        over_http('constant', $constant, $of{lua}),
        in_pgbench('pgbench', $of{sql}, %{ $of{variables} // {} }),
    );
    $report->line($id, "$what, of the bare responder", value => ratio(@by{qw(muster bare)}), least => 0.95,
        noisy => noisy(@by{qw(muster bare)}));
    $report->line($id, '    of a constant answer', value => ratio(@by{qw(muster constant)}));
    $report->line($id, '    of pgbench',           value => ratio(@by{qw(muster pgbench)}));
    return;
}

my @managers = (':managers::text[]', ':resources::text[]');
my $name     = "('server' || :n::text)";

sub by_name {
    my $n = servers();
    read_race(
        'by-name', 'by-name, expanded',
        bare    => 'object',
        example => '/by-name/server' . ($first + $n),
        lua     => any_of($n, '/by-name/serverN'),
        sql     => any_number($n) . $world->statement('object_by_name', @managers, $name) . ';',
    );
    return;
}

sub compact {
    my $n = servers();
    my %headers = ('Clusto-Mode' => 'compact');
    read_race(
        'compact', 'by-name, compact',
        bare    => 'ref',
        example => '/by-name/server' . ($first + $n),
        headers => \%headers,
        lua     => any_of($n, '/by-name/serverN', %headers),
        sql     => any_number($n) . $world->statement('ref_by_name', $name) . ';',
    );
    return;
}

sub attribute {
    my $n = servers();
    read_race(
        'attribute', 'attributes of an object',
        bare      => 'attrs',
        example   => '/attribute/server' . ($first + $n),
        lua       => any_of($n, '/attribute/serverN'),
        sql       => any_number($n) . $world->statement('attrs_by_name', @managers, $name, "nullif(:nothing::text, '-')", 'nullif(:zero::integer, 0)') . ';',
        variables => { nothing => '-', zero => 0 },
    );
    return;
}

# wrk sends one set of headers; the user is another one each time.
sub any_user {
    my ($count, $path) = @_;
    return "local headers = {}\n"
        . "request = function() headers['X-User-Id'] = 'user' .. ($first + math.random($count));"
        . " return wrk.format('GET', '$path', headers) end\n";
}

my $user = "('user' || :n::text)";

sub document {
    my $n = $option->{preferences};
    read_race(
        'document', 'a preferences document',
        bare      => 'document',
        example   => '/preferences/settings',
        headers   => { 'X-User-Id' => 'user' . ($first + $n) },
        lua       => any_user($n, '/preferences/settings'),
        sql       => any_number($n) . $world->statement('prefs_get', $user, ':container::text') . ';',
        variables => { container => 'settings' },
    );
    return;
}

sub path {
    my $n = $option->{preferences};
    read_race(
        'path', 'preferences, one path',
        bare      => 'path',
        example   => '/preferences/settings/panels',
        headers   => { 'X-User-Id' => 'user' . ($first + $n) },
        lua       => any_user($n, '/preferences/settings/panels'),
        sql       => any_number($n) . $world->statement('prefs_get_path', $user, ':container::text', ':path::text[]') . ';',
        variables => { container => 'settings', path => '{panels}' },
    );
    return;
}

# --- pools

sub pools_statement {
    my ($pools) = @_;
    return $world->statement(
        'list_from_pools', 'nullif(:zero::bigint, 0)', ':zero::bigint', ':no::boolean', ':zero::integer', (':empty::text[]') x 3,
        "array[$pools]::integer[]", ':yes::boolean',
    ) . ";\n";
}

my %nothing = (zero => 0, no => 'false', yes => 'true', empty => '{}');

sub from_pools {
    my $data  = $world->data;
    my $roles = $data->count('role');
    my $sites = $data->count('site');
    my ($role, $site) = map { $data->id($_, 1) - 1 } qw(role site);
    my $muster = $world->muster('plain');
    my $found  = $muster->{client}->get('/from-pools?pool=role1');
    my $size   = @{ $found->{json} // [] };
    my %one    = compare(
        'from-pools',
        over_http('muster', $muster, "request = function() return wrk.format('GET', '/from-pools?pool=role' .. math.random($roles)) end\n"),
        in_pgbench('pgbench', "\\set p $role + random(1, $roles)\n" . pools_statement(':p'), %nothing),
    );
    $report->line('from-pools', "from-pools, $size members compact, of pgbench", value => ratio(@one{qw(muster pgbench)}),
        least => 0.8, noisy => noisy(values %one));
    my %two = compare(
        'two pools',
        over_http('muster', $muster, "request = function() return wrk.format('GET', '/from-pools?pool=role' .."
            . " math.random($roles) .. '&pool=site' .. math.random($sites)) end\n"),
        in_pgbench('pgbench', "\\set p $role + random(1, $roles)\n\\set q $site + random(1, $sites)\n" . pools_statement(':p, :q'), %nothing),
    );
    $report->line('from-pools', "two pools of $size intersected, of pgbench", value => ratio(@two{qw(muster pgbench)}),
        least => 0.8, noisy => noisy(values %two));
    return;
}

sub pool_of_100 {
    my $data   = $world->data;
    my $pools  = $data->count('pool');
    my $before = Muster::Bench::Data::SERVER_ID;
    my $ids    = "array(select $before + 100 * (:p - 1) + i from generate_series(1, 100) i)::integer[]";
    my %by     = compare(
        'pool-of-100',
        over_http('muster', $world->muster('plain'),
            "wrk.headers['Clusto-Mode'] = 'expanded'\nrequest = function() return wrk.format('GET', '/from-pools?pool=pool' .. math.random($pools)) end\n"),
        in_pgbench('pgbench', "\\set p random(1, $pools)\n"
            . $world->statement('objects_by_ids', @managers, $ids) . ';'),
    );
    $report->line('pool-of-100', 'a pool of 100 expanded, of pgbench with the members alone', value => ratio(@by{qw(muster pgbench)}));
    return;
}

# --- lists

# Reads one answer to its end: seconds to the first byte of the body, to the last, and bytes.
sub fetch {
    my ($target, $path, %header) = @_;
    my ($port) = $target->{url} =~ /:(\d+)$/;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) // die "connect: $@\n";
    my $start  = time;
    print {$socket} "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
        (map { "$_: $header{$_}\r\n" } sort keys %header), "\r\n";
    $socket->flush;
    my ($head, $bytes, $first_byte) = ('', 0, undef);
    while (sysread $socket, my $piece, 1 << 18) {
        if (!defined $first_byte) {
            $head .= $piece;
            next unless $head =~ /\r\n\r\n(?=.)/s;
            die "$path: $head\n" unless $head =~ m{\AHTTP/1.1 200 };
            $first_byte = time - $start;
        }
        $bytes += length $piece;
    }
    die "$path: no answer\n" unless defined $first_byte;
    return ($first_byte, time - $start, $bytes);
}

# The rows that such a list is made of, in no order, as the planner likes it best.
my $rows = <<'SQL';
select 0, e.entity_id, e.name, e.driver, e.type, a.attr_id, a.key, a.subkey, a.number, a.datatype, a.int_value,
       a.string_value, a.datetime_value, r.driver, r.name
  from entities e
  left join entity_attrs a on a.entity_id = e.entity_id and a.deleted_at_version is null
  left join entities r on r.entity_id = a.relation_id and r.deleted_at_version is null
 where e.driver = 'basicserver' and e.deleted_at_version is null
union all
select 1, e.entity_id, null, null, null, a.attr_id, null, null, null, null, null, null, null, p.driver, p.name
  from entities e
  join entity_attrs a on a.relation_id = e.entity_id and a.key = '_contains' and a.deleted_at_version is null
  join entities p on p.entity_id = a.entity_id and p.deleted_at_version is null
 where e.driver = 'basicserver' and e.deleted_at_version is null
SQL

# Seconds that psql takes for them.
sub copy_rows {
    my $postgres = $world->postgres;
    my $start    = time;
    my $result   = Muster::Process::run(
        [
            "$postgres->{bin}/psql", '-Xq', '-h', $postgres->socket_dir, '-U', 'postgres', '-d', 'large', '-o', '/dev/null',
            '-c', "copy ($rows) to stdout",
        ],
        timeout => 600,
        env     => { PGOPTIONS => '-c jit=off' },
    );
    die "psql: $result->{err}\n" if $result->{status} != 0;
    return time - $start;
}

# The list of everything, with one worker: when it begins, how fast, and in how much memory.
sub list {
    my $target = $world->muster('one');
    my $server = $target->{server};
    my ($worker) = $server->workers(1);
    my @expanded = ('Clusto-Mode' => 'expanded');
    my $page     = 1000;
    my $repeats  = $option->{repeats} > 3 ? 3 : $option->{repeats};
    fetch($target, '/entity/basicserver', @expanded, 'Clusto-Page' => 1, 'Clusto-Per-Page' => $page) for 1 .. 2;
    $server->reset_peak($worker);
    fetch($target, '/entity/basicserver', @expanded, 'Clusto-Page' => 1, 'Clusto-Per-Page' => $page);
    my $small = $server->memory($worker);
    my (@first, @whole, @copy, $bytes);
    $server->reset_peak($worker);
    for (1 .. $repeats) {
        my ($first_byte, $whole, $n) = fetch($target, '/entity/basicserver', @expanded);
        push @first, $first_byte;
        push @whole, $whole;
        $bytes = $n;
        push @copy, copy_rows();
    }
    my $grown = ($server->memory($worker) - $small) / 1024;
    my $n     = servers();
    my $noisy = (grep { my @s = sort { $a <=> $b } @$_; $s[-1] - $s[0] > 0.15 * $s[0] } \@whole, \@copy) ? 1 : 0;
    $report->line('list', "$n objects expanded, the first byte", value => 1000 * median(@first), most => 50, unit => 'ms');
    $report->line('list', sprintf('    rate, of COPY (%.0f MB)', $bytes / 1e6), value => median(@copy) / median(@whole),
        least => 0.6, noisy => $noisy);
    $report->line('list', '    worker\'s peak above that of a list of 1,000', value => $grown, most => 8, unit => 'MiB');
    return;
}

# Backends of Muster's that are doing something.
sub active {
    return 0 + $world->postgres->psql(
        "select count(*) from pg_stat_activity where application_name = 'muster' and state = 'active'", database => 'postgres');
}

# A client leaves in the middle of a long list.
sub gone {
    my $target = $world->muster('one');
    my ($port) = $target->{url} =~ /:(\d+)$/;
    poll(10, sub { active() == 0 });
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) // die "connect: $@\n";
    print {$socket} "GET /entity/basicserver HTTP/1.1\r\nHost: localhost\r\nClusto-Mode: expanded\r\n\r\n";
    $socket->flush;
    sysread $socket, my $piece, 1024;
    close $socket;
    my $start = time;
    my $idle  = poll(60, sub { active() == 0 });
    $report->line('gone', 'the client leaves a list: until the database is idle', value => $idle ? 1000 * (time - $start) : undef,
        most => 500, unit => 'ms', $idle ? () : (why => 'not within a minute'));
    return;
}

# --- many clients, large inventories

sub tail {
    my %by = compare('tail', over_http('64 clients', $world->muster('plain'), any_of(servers(), '/by-name/serverN'), clients => 64));
    my $r  = $by{'64 clients'};
    $report->line('tail', 'by-name, 64 clients: p99 / p50', value => $r->{p50} ? $r->{p99} / $r->{p50} : undef, most => 4, noisy => noisy($r));
    return;
}

# How much slower the large inventory is.
sub grow {
    my ($what, $lua) = @_;
    my %by = compare(
        "growth: $what",
        over_http('small', $world->muster('small'), $lua->($world->data('small'))),
        over_http('large', $world->muster('plain'), $lua->($world->data('large'))),
    );
    $report->line('growth', sprintf('%s: %d servers slower than %d by', $what, servers(), $world->data('small')->count('server')),
        value => ratio(@by{qw(small large)}), most => 1.25, noisy => noisy(values %by));
    return;
}

sub growth {
    grow('by-name', sub { any_of($_[0]->count('server'), '/by-name/serverN') });
    grow('by-attr', sub { any_of($_[0]->count('server'), '/by-attr?key=system&subkey=serial&value=SNN') =~ s/SN' \.\. n/SN' .. n/r });
    grow('page 1', sub { "wrk.headers['Clusto-Page'] = '1'\nrequest = function() return wrk.format('GET', '/entity/basicserver') end\n" });
    # As many managers here as there, so that they stand as much in each other's way.
    my $managers = $world->data('small')->count('manager');
    grow('allocation', sub {
        my $n = $_[0]->count('server');
        return "wrk.headers['Content-Type'] = 'application/x-www-form-urlencoded'\nrequest = function()"
            . " return wrk.format('POST', '/resourcemanager/ipmanager/manager' .. math.random($managers), nil,"
            . " 'object=server' .. ($first + math.random($n))) end\n";
    });
    return;
}

# Pages by cursor: as fast in the depths as at the beginning.
sub keyset {
    my $muster = $world->muster('plain');
    my $client = $muster->{client};
    my $n      = servers();
    my $per    = $n > 1000 ? 1000 : 10;
    my ($first_page, $cursor);
    for (my $seen = 0; $seen < 0.9 * $n; $seen += $per) {
        my $page = $client->get('/entity/basicserver', headers => { 'Clusto-After' => $cursor // 0, 'Clusto-Per-Page' => $per });
        $cursor = $page->{headers}{'clusto-next'} // last;
        $first_page //= $cursor;
    }
    if (!defined $cursor) {
        $report->line('keyset', 'pages by Clusto-After', why => 'not there');
        return;
    }
    my $page = sub {
        my ($after) = @_;
        return "wrk.headers['Clusto-After'] = '$after'\nwrk.headers['Clusto-Per-Page'] = '50'\n"
            . "request = function() return wrk.format('GET', '/entity/basicserver') end\n";
    };
    my %by = compare('keyset', over_http('second page', $muster, $page->($first_page)), over_http('at 90 %', $muster, $page->($cursor)));
    $report->line('keyset', 'pages by Clusto-After: at 90 % slower than the second by', value => ratio(@by{'second page', 'at 90 %'}),
        most => 1.25, noisy => noisy(values %by));
    return;
}

# --- what is asked for again and again

use constant HOT => 1000;

sub hot_objects { return servers() < HOT ? servers() : HOT }

sub has_cache {
    my ($id) = @_;
    return 1 if $world->has_setting('cache_size');
    $report->line($id, 'hot objects from the cache', why => 'no setting cache_size');
    return 0;
}

sub hot {
    return unless has_cache('hot');
    my $lua = any_of(hot_objects(), '/by-name/serverN');
    my %by  = compare(
        'hot',
        over_http('cached',   $world->muster('cached'), $lua, clients => 64),
        over_http('uncached', $world->muster('plain'),  $lua, clients => 64),
    );
    $report->line('hot', 'hot by-name, 64 clients, of the uncached', value => ratio(@by{qw(cached uncached)}), least => 2,
        noisy => noisy(values %by));
    return;
}

sub hot_mixed {
    return unless has_cache('hot-mixed');
    my $n   = hot_objects();
    my $lua = <<"LUA";
local form = {['Content-Type'] = 'application/x-www-form-urlencoded'}
request = function()
    local n = $first + math.random($n)
    if math.random(10) > 1 then return wrk.format('GET', '/by-name/server' .. n) end
    return wrk.format('PUT', '/attribute/server' .. n .. '/system/memory', form, 'datatype=int&value=' .. math.random(1000000))
end
LUA
    my %by = compare(
        'hot-mixed',
        over_http('cached',   $world->muster('cached'), $lua, clients => 64),
        over_http('uncached', $world->muster('plain'),  $lua, clients => 64),
    );
    $report->line('hot-mixed', 'the same with 10 % writes, of the uncached', value => ratio(@by{qw(cached uncached)}), least => 1,
        noisy => noisy(values %by));
    return;
}

# --- writes

# What setting an attribute does, as pgbench's script. Packed: in as few packets as can be, where
# the second needs what the first has found.
sub set_script {
    my ($packed) = @_;
    my ($open, $close) = $packed ? ("\\startpipeline\n", "\\endpipeline\n") : ('', '');
    my $null = 'nullif(:zero::integer, 0)';
    my $found = $world->statement('attrs_by_name_key', @managers, $name, ':subkey::text', $null, ':key::text');
    my $all  = $world->statement('attrs_by_name', @managers, $name, "nullif(:nothing::text, '-')", $null);
    my $add  = $world->statement(
        'add_attrs', ':id::integer', $null, 'array[:key]::text[]', 'array[:subkey]::text[]', ':none::integer[]',
        ':datatype::text[]', 'array[:value]::bigint[]', (':none::text[]') x 2, ':none::integer[]',
    );
    return any_number(servers())
        . "\\set value random(1, 1000000)\n$open"
        . $world->statement('begin_write') . ";\n"
        . $world->statement('version_insert', ':nobody::text', ':what::text') . ";\n"
        . $world->statement('lock_change', "array[$name]") . ";\n$close"
        . "select attr_id as old from ($found) as rows(id, tag, attr_id) where tag = 1 \\gset\n$open"
        . $world->statement('delete_attrs', 'array[:old]::integer[]') . ";\n"
        . "$add;\n$all;\n"
        . $world->statement('commit') . ";\n$close";
}

sub set {
    my $n   = servers();
    my $lua = <<"LUA";
wrk.headers['Content-Type'] = 'application/x-www-form-urlencoded'
request = function()
    return wrk.format('PUT', '/attribute/server' .. ($first + math.random($n)) .. '/system/memory', nil,
        'datatype=int&value=' .. math.random(1000000))
end
LUA
    my %variables = (
        zero => 0, nothing => '-', subkey => 'memory', key => 'system', none => '{NULL}', datatype => '{int}',
        nobody => '-', what => 'PUT /attribute/server1000001/system/memory',
    );
    my %by = compare(
        'set',
        over_http('muster', $world->muster('plain'), $lua),
        in_pgbench('pgbench', set_script(0), %variables),
        in_pgbench('pgbench, packed', set_script(1), %variables),
    );
    $report->line('set', 'an attribute set, of the same transaction in pgbench', value => ratio(@by{qw(muster pgbench)}), least => 0.8,
        noisy => noisy(@by{qw(muster pgbench)}));
    $report->line('set', '    of it in three packets (pgbench\'s pipeline)', value => ratio(@by{ 'muster', 'pgbench, packed' }));
    return;
}

sub set_preferences {
    my $n   = $option->{preferences};
    my $lua = <<"LUA";
local headers = {['Content-Type'] = 'application/json'}
request = function()
    headers['X-User-Id'] = 'user' .. ($first + math.random($n))
    return wrk.format('POST', '/preferences/settings/zoom', headers, tostring(math.random(1000000)))
end
LUA
    my $sql = any_number($n)
        . "\\set value random(1, 1000000)\n"
        . $world->statement('prefs_set', $user, ':container::text', ':path::text[]', ':parent::text[]', ':value::jsonb', ':room::bigint',
            ':whole::jsonb', ':request::text')
        . ';';
    my $muster  = over_http('muster', $world->muster('plain'), $lua);
    my $pgbench = in_pgbench('pgbench', $sql, container => 'settings', path => '{zoom}', parent => '{}', room => 4_000_000,
        whole => '{"zoom": 1}', request => 'bench');
    my %by = compare('set-prefs', $muster, over_http('bare', $world->bare('set'), $lua), $pgbench);
    $report->line('set-prefs', 'preferences set, of the same statement in pgbench', value => ratio(@by{qw(muster pgbench)}), least => 0.8,
        noisy => noisy(@by{qw(muster pgbench)}));
    $report->line('set-prefs', '    of the bare responder', value => ratio(@by{qw(muster bare)}));
    $report->line('set-prefs', '    the bare responder, of pgbench', value => ratio(@by{qw(bare pgbench)}));

    # Where the disk syncs as fast as memory, HTTP's share of the processors is all that is compared.
    $world->slow_commits(1000);
    %by = compare('set-prefs, slow', $muster, $pgbench);
    $world->slow_commits(0);
    $report->line('set-prefs', '    of pgbench, where a commit takes a millisecond longer', value => ratio(@by{qw(muster pgbench)}), least => 0.8,
        noisy => noisy(@by{qw(muster pgbench)}));
    return;
}

# A thousand attributes by one client: each in a request of its own, and all in one. (--quick sends
# fewer by themselves, and takes the rest to be as fast: the later ones are slower, as each answer
# shows all that are there.)
sub bulk {
    my $client = $world->muster('plain')->{client};
    my $many   = 1000;
    my $count  = $option->{quick} ? $many / 10 : $many;
    my ($one, $other) = map { "bench$$-$_" } 1, 2;
    $client->post('/entity/basicserver', form => { name => [ $one, $other ] })->{status} == 201 or die "no objects\n";
    my $start = time;
    for my $i (1 .. $count) {
        my $answer = $client->post("/attribute/$one", form => { key => 'bulk', number => $i, value => $i });
        die "POST: $answer->{status} $answer->{body}\n" if $answer->{status} != 201;
    }
    my $single = (time - $start) * $many / $count;
    my @bulk;
    for my $repeat (1 .. $option->{repeats}) {
        $start = time;
        my $answer = $client->post("/attribute/$other", json => [ map { +{ key => "bulk$repeat", number => $_, value => "$_" } } 1 .. $many ]);
        push @bulk, time - $start;
        die "bulk: $answer->{status} $answer->{body}\n" if $answer->{status} != 201;
    }
    $report->line('bulk', "$many attributes in one request, of as many requests", value => $single / median(@bulk), least => 20);
    return;
}

1;
