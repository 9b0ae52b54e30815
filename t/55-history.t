# 55-history.t: a recorded random history of concurrent writes, workers killed meanwhile, checked against
# the database. MUSTER_HISTORY_SECONDS (20; up to 60 in checks) and MUSTER_SEED set its length and its dice.
use v5.24;
use warnings;
use List::Util qw(shuffle);
use Test::More;
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Postgres;
use Muster::Process;
use Muster::Server;
use Time::HiRes qw(time sleep);

my $CLIENTS = 16;
my $SECONDS = $ENV{MUSTER_HISTORY_SECONDS} // 20;
my $SEED    = $ENV{MUSTER_SEED} // int(rand 2**31);
diag "seed $SEED, $SECONDS seconds";

my $postgres = Muster::Postgres->new;
my @servers  = map { Muster::Server->new(postgres => $postgres, conf => { workers => 4, restart_limit => 10000 }) } 1 .. 2;
my @fronts   = map { Muster::Front->new(server => $_) } @servers;
my $setup    = $fronts[0]->client;

my @POOLS    = map { "pool$_" } 1 .. 6;
my @UNIQUE   = map { "unique$_" } 1 .. 3;
my @EXCL     = map { "excl$_" } 1 .. 2;
my @SERVERS  = map { "server$_" } 1 .. 30;

sub must {
    my ($answer, $what) = @_;
    $answer->{status} =~ /^20[01]$/ or die "$what: $answer->{status} $answer->{body}";
    return $answer;
}
must($setup->post('/entity/pool', form => [ map { (name => $_) } @POOLS ]), 'pools');
must($setup->post('/entity/unique_pool', form => [ map { (name => $_) } @UNIQUE ]), 'unique pools');
must($setup->post('/entity/exclusive_pool', form => [ map { (name => $_) } @EXCL ]), 'exclusive pools');
must($setup->post('/entity/basicserver', form => [ map { (name => $_) } @SERVERS ]), 'servers');
must($setup->post('/resourcemanager/ipmanager', form => { name => 'ipm', baseip => '10.9.0.0', netmask => '22' }), 'ipmanager');
must($setup->post('/resourcemanager/simpleentitynamemanager', form => { name => 'namer', basename => 'n', digits => 6 }), 'namer');

# One random write; what comes back is what the checker needs: kind, arguments, status, value.
sub any { return $_[ int rand @_ ] }

sub step {
    my ($c, $me, $n) = @_;
    my $dice = rand;
    my ($record, $answer);
    if ($dice < 0.2) {    # a name of its own, so that its fate is known exactly
        my $name = "own-$me-$n";
        $answer = $c->post('/entity/basicserver', form => { name => $name });
        $record = [ create => $name ];
    }
    elsif ($dice < 0.3) {
        my $name = "own-$me-" . int rand($n + 1);
        $answer = $c->delete("/entity/basicserver/$name");
        $record = [ delete => $name ];
    }
    elsif ($dice < 0.5) {
        my ($name, $value) = (any(@SERVERS), "$me-$n");
        $answer = $c->post("/attribute/$name", form => { key => 'note', value => $value });
        $record = [ add => $name, $value ];
    }
    elsif ($dice < 0.6) {
        my ($name, $value) = (any(@SERVERS), "$me-$n");
        $answer = $c->put("/attribute/$name/last", form => { value => $value });
        $record = [ set => $name, $value ];
    }
    elsif ($dice < 0.8) {
        my ($kind, @pools) = @{ any([ 'pool', @POOLS ], [ 'unique_pool', @UNIQUE ], [ 'exclusive_pool', @EXCL ]) };
        my $pool = any(@pools);
        my $what = rand() < 0.2 ? any(@POOLS) : any(@SERVERS);
        $answer = $c->post("/entity/$kind/$pool", form => { action => any(qw(insert insert remove)), device => $what });
        $record = [ tree => $pool, $what ];
    }
    elsif ($dice < 0.92) {
        my $name = any(@SERVERS);
        $answer = $c->post('/resourcemanager/ipmanager/ipm', form => { object => $name });
        $record = [ ip => $name, ref $answer->{json} eq 'HASH' ? $answer->{json}{value} : undef ];
    }
    elsif ($dice < 0.95) {
        my $name = any(@SERVERS);
        $answer = $c->delete('/resourcemanager/ipmanager/ipm', form => { object => $name });
        $record = [ free => $name ];
    }
    else {
        $answer = $c->post('/resourcemanager/simpleentitynamemanager/namer', form => { driver => 'basicappliance' });
        $record = [ name => ref $answer->{json} ? undef : $answer->{json} ];
    }
    # Without a complete answer nothing is known, nor where the server says so itself.
    my $status = $answer->{complete} && !$answer->{headers}{'clusto-outcome'} ? $answer->{status} : 0;
    $status = 0 if $status == 502 || $status == 504;    # the front server lost a killed worker
    return [ $status, $answer->{headers}{'clusto-version'}, @$record ];
}

my $killer = fork // die "fork: $!";
if ($killer == 0) {
    srand $SEED + 1000;
    my $end = time + $SECONDS;
    my $killed = 0;
    while (time < $end) {
        sleep 0.2 + rand 0.3;
        my @workers = Muster::Process::children_of(any(@servers)->pid);
        $killed += kill 'KILL', any(@workers) if @workers;
    }
    POSIX::_exit($killed > 0 ? 0 : 1);
}
my @histories = parallel($CLIENTS, sub {
    my ($me) = @_;
    srand $SEED + $me;
    my $c   = $fronts[ $me % 2 ]->client;
    my $end = time + $SECONDS;
    my @records;
    for (my $n = 0; time < $end; $n++) { push @records, step($c, $me, $n) }
    return [ [@records] ];
}, timeout => $SECONDS + 120);
waitpid $killer, 0;
is($?, 0, 'workers were killed meanwhile');

my @died = grep { ref eq 'HASH' } @histories;
is_deeply(\@died, [], 'every client came to its end') or diag explain \@died;
my @all = map { @{ $_->[0] } } grep { ref eq 'ARRAY' } @histories;
my %count;
$count{ $_->[0] }++ for @all;
diag join ', ', map { "$count{$_} x $_" } sort keys %count;
cmp_ok(scalar(grep { $_->[0] >= 200 && $_->[0] < 300 } @all), '>', 200, 'a history worth checking');
is($count{500} // 0, 0, 'no 500');

sub set_of { return map { $_ => 1 } $postgres->psql($_[0]) }

# --- created and deleted names: each is one client's own, so its own order decides
{
    my %live = set_of("select name from entities where deleted_at_version is null and name like 'own-%'");
    my (%state, @wrong);
    for my $history (@histories) {
        for (grep { $_->[2] =~ /^(create|delete)$/ } @{ $history->[0] }) {
            my ($status, undef, $what, $name) = @$_;
            if ($status == 0) { $state{$name} = 'unknown' }
            elsif ($what eq 'create' && $status =~ /^20[12]$/) { $state{$name} = 'live' }
            elsif ($what eq 'delete' && $status =~ /^(204|404)$/) { $state{$name} = 'gone' }
        }
    }
    for (sort keys %state) {
        push @wrong, "$_ should be $state{$_}" if $state{$_} eq 'live' && !$live{$_} || $state{$_} eq 'gone' && $live{$_};
    }
    is_deeply(\@wrong, [], 'every acknowledged creation is there, every acknowledged deletion holds');
}

# --- added attributes: exactly once if acknowledged, not at all if refused
{
    my %rows;
    $rows{$_}++ for $postgres->psql("select e.name || ' ' || string_value from entity_attrs a join entities e using (entity_id)
        where key = 'note' and a.deleted_at_version is null");
    my @wrong;
    for (grep { $_->[2] eq 'add' } @all) {
        my ($status, undef, undef, $name, $value) = @$_;
        my $have = $rows{"$name $value"} // 0;
        push @wrong, "$name $value: $status, $have rows" if $status == 201 && $have != 1 || $status >= 400 && $have || $have > 1;
    }
    is_deeply(\@wrong, [], 'every added attribute is there once, no refused one is');
    is($postgres->psql("select count(*) from (select from entity_attrs where key = 'last' and deleted_at_version is null
        group by entity_id having count(*) > 1) as twice"), 0, 'a set attribute has one row');
}

# --- resources
{
    my (%times, @wrong);
    $times{ $_->[3] }++ for grep { $_->[2] eq 'name' && $_->[0] == 201 } @all;
    my %live = set_of("select '/basicappliance/' || name from entities where deleted_at_version is null and driver = 'basicappliance'");
    push @wrong, grep { $times{$_} != 1 || !$live{$_} } keys %times;
    is_deeply(\@wrong, [], 'every given name was given once and is an object');

    my %now = map { my ($ip, $name) = split /\|/; ($ip => $name) } $postgres->psql("select int_value, e.name from entity_attrs a
        join entities e using (entity_id) where key = 'ip' and subkey is null and a.deleted_at_version is null");
    is($postgres->psql("select count(*) from (select from entity_attrs where key = 'ip' and subkey is null and deleted_at_version is null
        group by int_value having count(*) > 1) as twice"), 0, 'no address is held twice');
    my (%given, @lost);
    for (sort { ($a->[1] // 0) <=> ($b->[1] // 0) } grep { $_->[2] =~ /^(ip|free)$/ } @all) {
        my ($status, undef, $what, $name, $ip) = @$_;
        $given{$name}{$ip} = 1 if $what eq 'ip' && $status == 201;
        delete $given{$name} if $what eq 'free';
    }
    # A free in doubt, or one whose version is not above that of the allocation, may have taken them: only
    # objects of which nothing was ever freed are certain.
    my %freed = map { $_->[3] => 1 } grep { $_->[2] eq 'free' } @all;
    for my $name (grep { !$freed{$_} } keys %given) {
        push @lost, "$name $_" for grep { ($now{$_} // '') ne $name } keys %{ $given{$name} };
    }
    is_deeply(\@lost, [], 'every given address is where it was given');
    is($postgres->psql("select count(*) from entity_attrs a where key = 'ip' and subkey is null and deleted_at_version is null and not exists (
        select from entity_attrs m where m.entity_id = a.entity_id and m.key = 'ip' and m.subkey = 'manager' and m.number = a.number
        and m.deleted_at_version is null)"), 0, 'every address names its manager');
    is($postgres->psql("select count(*) from (select entity_id, number from entity_attrs where key = 'ip' and deleted_at_version is null
        group by 1, 2 having count(*) <> 4) as odd"), 0, 'an allocation has all four rows or none');
}

# --- the drivers' rules
my $inside = "from entity_attrs a join entities c on c.entity_id = a.entity_id where a.key = '_contains' and a.deleted_at_version is null";
is($postgres->psql("select count(*) from (select a.relation_id $inside and c.driver = 'unique_pool' group by 1 having count(*) > 1) as twice"),
    0, 'nothing is in two unique pools');
is($postgres->psql("select count(*) from (select a.relation_id $inside and c.type = 'pool' group by 1
    having count(*) filter (where c.driver = 'exclusive_pool') > 0 and count(*) > 1) as shared"), 0, 'an exclusive pool shares with none');
is($postgres->psql("select count(*) from (select a.entity_id, a.relation_id $inside group by 1, 2 having count(*) > 1) as twice"),
    0, 'no membership twice');
is($postgres->psql("with recursive down(top, id) as (select a.entity_id, a.relation_id $inside union
    select d.top, a.relation_id from down d join entity_attrs a on a.entity_id = d.id and a.key = '_contains' and a.deleted_at_version is null)
    select count(*) from down where top = id"), 0, 'nothing is inside itself');

# --- versions
is($postgres->psql('select count(*) from entity_attrs a where not exists (select from clustoversioning v where v.version = a.version)'), 0,
    'every row carries a version that exists');
my @versions = grep { defined } map { $_->[1] } grep { $_->[0] >= 200 && $_->[0] < 300 } @all;
my %seen;
$seen{$_}++ for @versions;
is(scalar(grep { $_ > 1 } values %seen), 0, 'no version was given to two requests');
my %known = set_of('select version from clustoversioning');
is(scalar(grep { !$known{$_} } @versions), 0, 'every acknowledged version is recorded');

my $check = $servers[0]->run_program(['--check-db']);
is($check->{status}, 0, 'the database check finds nothing') or diag $check->{out};

$_->stop for @fronts, @servers;
done_testing;
