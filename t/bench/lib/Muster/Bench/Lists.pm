# Muster::Bench::Lists: scenarios of pools, lists and pages, and of inventories of two sizes.
package Muster::Bench::Lists;
use v5.24;
use warnings;
use IO::Socket::INET ();
use Muster::Bench::Data;
use Muster::Bench::Race qw(median unsteady);
use Muster::Bench::Run;
use Muster::Process qw(poll);
use Time::HiRes qw(time);

my $first    = Muster::Bench::Data::FIRST - 1;
my @managers = (':managers::text[]', ':resources::text[]');

# --- pools

sub pools_statement {
    my ($run, $pools) = @_;
    return $run->world->statement(
        'list_from_pools', 'nullif(:zero::bigint, 0)', ':zero::bigint', ':no::boolean', ':zero::integer', (':empty::text[]') x 3,
        "array[$pools]::integer[]", ':yes::boolean',
    ) . ";\n";
}

my %nothing = (zero => 0, no => 'false', yes => 'true', empty => '{}');

sub from_pools {
    my ($run) = @_;
    my $data  = $run->world->data;
    my $roles = $data->count('role');
    my $sites = $data->count('site');
    my ($role, $site) = map { $data->id($_, 1) - 1 } qw(role site);
    my $muster = $run->world->muster('plain');
    my $found  = $muster->{client}->get('/from-pools?pool=role1');
    my $size   = @{ $found->{json} // [] };
    my %one    = $run->compare(
        'from-pools',
        [
            $run->over_http('muster', $muster, "request = function() return wrk.format('GET', '/from-pools?pool=role' .. math.random($roles)) end\n"),
            $run->in_pgbench('pgbench', "\\set p $role + random(1, $roles)\n" . pools_statement($run, ':p'), %nothing),
        ],
        slow => 1,
    );
    $run->judge('from-pools', "from-pools, $size members compact, of pgbench", @one{qw(muster pgbench)}, most => 1.25);
    my %two = $run->compare(
        'two pools',
        [
            $run->over_http('muster', $muster, "request = function() return wrk.format('GET', '/from-pools?pool=role' .."
                . " math.random($roles) .. '&pool=site' .. math.random($sites)) end\n"),
            $run->in_pgbench('pgbench', "\\set p $role + random(1, $roles)\n\\set q $site + random(1, $sites)\n"
                . pools_statement($run, ':p, :q'), %nothing),
        ],
        slow => 1,
    );
    $run->judge('from-pools', "two pools of $size intersected, of pgbench", @two{qw(muster pgbench)}, most => 1.25);
    return;
}

sub pool_of_100 {
    my ($run) = @_;
    my $pools  = $run->world->data->count('pool');
    my $before = Muster::Bench::Data::SERVER_ID;
    my $ids    = "array(select $before + 100 * (:p - 1) + i from generate_series(1, 100) i)::integer[]";
    my %by     = $run->compare(
        'pool-of-100',
        [
            $run->over_http('muster', $run->world->muster('plain'),
                "wrk.headers['Clusto-Mode'] = 'expanded'\nrequest = function() return wrk.format('GET', '/from-pools?pool=pool' .. math.random($pools)) end\n"),
            $run->in_pgbench('pgbench', "\\set p random(1, $pools)\n"
                . $run->world->statement('objects_by_ids', @managers, $ids) . ';'),
        ],
        slow => 1,
    );
    $run->judge('pool-of-100', 'a pool of 100 expanded, of pgbench with the members alone', @by{qw(muster pgbench)});
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

# psql reads them once.
sub copy_rows {
    my ($postgres) = @_;
    my $start  = time;
    my $result = Muster::Process::run(
        [
            "$postgres->{bin}/psql", '-Xq', '-h', $postgres->socket_dir, '-U', 'postgres', '-d', 'large', '-o', '/dev/null',
            '-c', "copy ($rows) to stdout",
        ],
        timeout => 600,
        env     => { PGOPTIONS => '-c jit=off' },
    );
    die "psql: $result->{err}\n" if $result->{status} != 0;
    return { count => 1, rate => 1 / (time - $start), errors => 0 };
}

sub fetch_list {
    my ($target) = @_;
    my ($first_byte, $whole, $bytes) = fetch($target, '/entity/basicserver', 'Clusto-Mode' => 'expanded');
    return { count => 1, rate => 1 / $whole, errors => 0, first => 1000 * $first_byte, size => $bytes };
}

# The list of everything, with one worker: when it begins, what it costs, and in how much memory.
sub list {
    my ($run) = @_;
    my $target   = $run->world->muster('one');
    my $server   = $target->{server};
    my ($worker) = $server->workers(1);
    my $page     = 1000;
    my @page     = ($target, '/entity/basicserver', 'Clusto-Mode' => 'expanded', 'Clusto-Page' => 1, 'Clusto-Per-Page' => $page);
    fetch(@page) for 1 .. 2;
    $server->reset_peak($worker);
    fetch(@page);
    my $small = $server->memory($worker);
    my %by    = $run->compare(
        'list',
        [
            $run->runner('muster', $target, \&fetch_list),
            $run->in_database('COPY', sub { copy_rows($run->world->postgres) }),
        ],
        slow => 1,
    );
    my $muster = $by{muster} // return;
    my $n      = $run->servers;
    my $grown  = ($server->memory($worker) - $small) / 1024;
    $run->report->line('list', "$n objects expanded, the first byte", value => $muster->{first}, most => 50, unit => 'ms',
        unreliable => unsteady($muster));
    # Worker and database work at the same time: with twice the processor time it takes less than twice as long.
    $run->judge('list', sprintf('    all of it, of COPY (%.0f MB)', $muster->{size} / 1e6), @by{qw(muster COPY)}, most => 2);
    $run->report->line('list', '    worker\'s peak above that of a list of 1,000', value => $grown, most => 8, unit => 'MiB');
    return;
}

# Backends of Muster's that are doing something.
sub active {
    my ($run) = @_;
    return 0 + $run->world->postgres->psql(
        "select count(*) from pg_stat_activity where application_name = 'muster' and state = 'active'", database => 'postgres');
}

# A client leaves in the middle of a long list.
sub gone {
    my ($run) = @_;
    return if defined $run->option('against');
    my $target = $run->world->muster('one');
    my ($port) = $target->{url} =~ /:(\d+)$/;
    poll(10, sub { active($run) == 0 });
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) // die "connect: $@\n";
    print {$socket} "GET /entity/basicserver HTTP/1.1\r\nHost: localhost\r\nClusto-Mode: expanded\r\n\r\n";
    $socket->flush;
    sysread $socket, my $piece, 1024;
    close $socket;
    my $start = time;
    my $idle  = poll(60, sub { active($run) == 0 });
    $run->report->line('gone', 'the client leaves a list: until the database is idle', value => $idle ? 1000 * (time - $start) : undef,
        most => 500, unit => 'ms', $idle ? () : (why => 'not within a minute'));
    return;
}

# --- large inventories

# How much more a request costs on the large inventory. $lua makes the requests for a Data.
sub grow {
    my ($run, $what, $lua, %more) = @_;
    my $world = $run->world;
    my %by    = $run->compare(
        "growth: $what",
        [
            $run->over_http('small', $world->muster('small'), $lua->($world->data('small'))),
            $run->over_http('large', $world->muster('plain'), $lua->($world->data('large'))),
        ],
        %more,
    );
    $run->judge('growth', sprintf('%s: %d servers, of %d', $what, $run->servers, $world->data('small')->count('server')),
        @by{qw(large small)}, most => 1.25);
    return;
}

sub growth {
    my ($run) = @_;
    grow($run, 'by-name', sub { Muster::Bench::Run::any_of($_[0]->count('server'), '/by-name/serverN') });
    grow($run, 'by-attr', sub {
        my $lua = Muster::Bench::Run::any_of($_[0]->count('server'), '/by-attr?key=system&subkey=serial&value=SNN');
        return $lua =~ s/SN' \.\. n/SN' .. n/r;
    });
    grow($run, 'page 1', sub { Muster::Bench::Run::always('/entity/basicserver', 'Clusto-Page' => 1) });
    # As many managers here as there, so that they stand as much in each other's way.
    my $managers = $run->world->data('small')->count('manager');
    grow($run, 'allocation', sub {
        my $n = $_[0]->count('server');
        return Muster::Bench::Run::form() . "request = function()"
            . " return wrk.format('POST', '/resourcemanager/ipmanager/manager' .. math.random($managers), nil,"
            . " 'object=server' .. ($first + math.random($n))) end\n";
    }, slow => 1);
    return;
}

# Pages by cursor: at the end they cost what they cost at the beginning.
sub keyset {
    my ($run) = @_;
    my $muster = $run->world->muster('plain');
    my $n      = $run->servers;
    my $per    = $n > 1000 ? 1000 : 10;
    my ($first_page, $cursor);
    for (my $seen = 0; $seen < 0.9 * $n; $seen += $per) {
        my $page = $muster->{client}->get('/entity/basicserver', headers => { 'Clusto-After' => $cursor // 0, 'Clusto-Per-Page' => $per });
        $cursor = $page->{headers}{'clusto-next'} // last;
        $first_page //= $cursor;
    }
    die "no Clusto-Next\n" unless defined $cursor;
    my $page = sub { Muster::Bench::Run::always('/entity/basicserver', 'Clusto-After' => $_[0], 'Clusto-Per-Page' => 50) };
    my %by   = $run->compare(
        'keyset',
        [
            $run->over_http('second page', $muster, $page->($first_page)),
            $run->over_http('at 90 %',     $muster, $page->($cursor)),
        ],
    );
    $run->judge('keyset', 'pages by Clusto-After: at 90 %, of the second', @by{ 'at 90 %', 'second page' }, most => 1.25);
    return;
}

# --- a pool of many members beside one of few

# The next page of a list that the pool has many members in, by cursor. $path has the pool's name as P.
sub next_page {
    my ($run, $what, $path) = @_;
    my $muster = $run->world->muster('plain');
    my %size   = (many => $run->option('crowd'), few => Muster::Bench::Data::FEW);
    my @runners;
    for my $pool (qw(few many)) {
        my $list   = $path =~ s/P/$pool/r;
        my $page   = sub { $_[0]->get($list, headers => { 'Clusto-After' => $_[1], 'Clusto-Per-Page' => 50 }) };
        my $cursor = $page->($muster->{client}, 0)->{headers}{'clusto-next'} // die "$list: no Clusto-Next\n";
        push @runners, $run->by_client($pool, $muster, sub { $page->($_[0], $cursor) });
    }
    my %by = $run->compare("crowd: $what", \@runners, slow => 1);
    $run->judge('crowd', "next page of $what: $size{many} members, of $size{few}", @by{qw(many few)}, most => 1.5);
    return;
}

sub crowd {
    my ($run) = @_;
    next_page($run, 'from-pools',              '/from-pools?pool=P');
    next_page($run, 'from-pools, children=no', '/from-pools?pool=P&children=no');
    next_page($run, 'by-attr',                 '/by-attr?key=crowd&value=P');
    next_page($run, 'contents',                '/entity/pool/P/contents');
    alone($run);
    return;
}

# The pool without what it contains.
sub alone {
    my ($run) = @_;
    my $muster  = $run->world->muster('plain');
    my @runners = map {
        my $path = "/by-name/$_";
        $run->by_client($_, $muster, sub { $_[0]->get($path, headers => { 'Clusto-Contents' => 'none' }) })
    } qw(few many);
    my %by = $run->compare('crowd: alone', \@runners, slow => 1);
    my ($few, $many) = (Muster::Bench::Data::FEW, $run->option('crowd'));
    $run->judge('crowd', "an object without its contents: $many members, of $few", @by{qw(many few)}, most => 1.5);
    return;
}

1;
