# Muster::Bench::Writes: scenarios that change something.
package Muster::Bench::Writes;
use v5.24;
use warnings;
use Muster::Bench::Data;
use Muster::Bench::Run;
use Time::HiRes qw(time);

my $first    = Muster::Bench::Data::FIRST - 1;
my @managers = (':managers::text[]', ':resources::text[]');
my $name     = "('server' || :n::text)";
my $user     = "('user' || :n::text)";

# Lua: the memory of one of so many servers is set; form: the headers, or nil.
sub set_memory {
    my ($n, $headers) = @_;
    return "wrk.format('PUT', '/attribute/server' .. ($first + math.random($n)) .. '/system/memory', $headers,"
        . " 'datatype=int&value=' .. math.random(1000000))";
}

# Hot objects, where one request of ten writes.
sub hot_mixed {
    my ($run) = @_;
    my $n   = $run->hot_objects;
    my $set = set_memory($n, 'form');
    my $lua = <<"LUA";
local form = {['Content-Type'] = 'application/x-www-form-urlencoded'}
request = function()
    if math.random(10) > 1 then return wrk.format('GET', '/by-name/server' .. ($first + math.random($n))) end
    return $set
end
LUA
    my @results = $run->cached_race('hot-mixed', $lua);
    $run->judge('hot-mixed', '    the same with 10 % writes', @results, most => 1);
    return;
}

# --- one attribute, one preference

# What setting an attribute does, as pgbench's script. Packed: in as few packets as can be, where
# the second needs what the first has found.
sub set_script {
    my ($world, $n, $packed) = @_;
    my ($open, $close) = $packed ? ("\\startpipeline\n", "\\endpipeline\n") : ('', '');
    my $null = 'nullif(:zero::integer, 0)';
    my $found = $world->statement('attrs_by_name_key', @managers, $name, ':subkey::text', $null, ':key::text');
    my $all  = $world->statement('attrs_by_name', @managers, $name, "nullif(:nothing::text, '-')", $null);
    my $add  = $world->statement(
        'add_attrs', ':id::integer', $null, 'array[:key]::text[]', 'array[:subkey]::text[]', ':none::integer[]',
        ':datatype::text[]', 'array[:value]::bigint[]', (':none::text[]') x 2, ':none::integer[]',
    );
    return Muster::Bench::Run::any_number($n)
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
    my ($run) = @_;
    my $world = $run->world;
    my $n     = $run->servers;
    my $lua   = Muster::Bench::Run::form() . 'request = function() return ' . set_memory($n, 'nil') . " end\n";
    my %variables = (
        zero => 0, nothing => '-', subkey => 'memory', key => 'system', none => '{NULL}', datatype => '{int}',
        nobody => '-', what => 'PUT /attribute/server1000001/system/memory',
    );
    my %by = $run->compare(
        'set',
        [
            $run->over_http('muster', $world->muster('plain'), $lua),
            $run->in_pgbench('pgbench', set_script($world, $n, 0), %variables),
            $run->in_pgbench('pgbench, packed', set_script($world, $n, 1), %variables),
        ],
        slow => 1,
    );
    $run->judge('set', 'an attribute set, of the same transaction in pgbench', @by{qw(muster pgbench)}, most => 1.25);
    $run->judge('set', '    of it in three packets (pgbench\'s pipeline)', @by{ 'muster', 'pgbench, packed' });
    return;
}

# An address from a random manager, of those that have given 500, for a random server.
sub allocate {
    my ($run) = @_;
    my ($n, $managers) = ($run->servers, $run->world->data->count('manager'));
    my $muster = $run->world->muster('plain');
    my $lua    = Muster::Bench::Run::form()
        . "request = function() return wrk.format('POST', '/resourcemanager/ipmanager/manager' .. math.random($managers), nil,"
        . " 'object=server' .. ($first + math.random($n))) end\n";
    my $set = Muster::Bench::Run::form() . 'request = function() return ' . set_memory($n, 'nil') . " end\n";
    my %by  = $run->compare('allocate', [ $run->over_http('allocate', $muster, $lua), $run->over_http('set', $muster, $set) ], slow => 1);
    $run->judge('allocate', 'an address given, of an attribute set', @by{qw(allocate set)}, payers => ['database'], most => 2);
    return;
}

# An attribute set with and without the triggers that keep the history and tell of changes.
sub told {
    my ($run) = @_;
    my $world = $run->world;
    my $lua   = Muster::Bench::Run::form() . 'request = function() return ' . set_memory($run->option('small'), 'nil') . " end\n";
    my %by    = $run->compare('told', [ map { $run->over_http($_, $world->muster($_), $lua) } qw(untold small) ], slow => 1);
    $run->judge('told', 'an attribute set without history and feed, of with them', @by{qw(untold small)}, least => 0.85);
    return;
}

sub set_preferences {
    my ($run) = @_;
    my $world = $run->world;
    my $n     = $run->option('preferences');
    my $lua   = <<"LUA";
local headers = {['Content-Type'] = 'application/json'}
request = function()
    headers['X-User-Id'] = 'user' .. ($first + math.random($n))
    return wrk.format('POST', '/preferences/settings/zoom', headers, tostring(math.random(1000000)))
end
LUA
    my $sql = Muster::Bench::Run::any_number($n)
        . "\\set value random(1, 1000000)\n"
        . $world->statement('prefs_set', $user, ':container::text', ':path::text[]', ':parent::text[]', ':value::jsonb', ':room::bigint',
            ':whole::jsonb', ':request::text')
        . ';';
    my $muster  = $run->over_http('muster', $world->muster('plain'), $lua);
    my $pgbench = $run->in_pgbench('pgbench', $sql, container => 'settings', path => '{zoom}', parent => '{}', room => 4_000_000,
        whole => '{"zoom": 1}', request => 'bench');
    my %by = $run->compare('set-prefs', [ $muster, $run->over_http('bare', $world->bare('set'), $lua), $pgbench ], slow => 1);
    $run->judge('set-prefs', 'preferences set, of the same statement in pgbench', @by{qw(muster pgbench)}, most => 1.25);
    $run->judge('set-prefs', '    of the bare responder', @by{qw(muster bare)});
    $run->judge('set-prefs', '    the bare responder, of pgbench', @by{qw(bare pgbench)});

    # Where the disk syncs as fast as memory, HTTP's share of the processors is all that is compared.
    $world->slow_commits(1000);
    %by = $run->compare('set-prefs, slow', [ $muster, $pgbench ], slow => 1);
    $world->slow_commits(0);
    $run->judge('set-prefs', '    of pgbench, where a commit takes a millisecond longer', @by{qw(muster pgbench)}, most => 1.25);
    return;
}

# --- a pool of many members beside one of few

# One client, as several would wait for each other. $request is called with a client and the pool's name.
sub crowd_race {
    my ($run, $what, $request) = @_;
    my $muster  = $run->world->muster('plain');
    my @runners = map {
        my $pool = $_;
        $run->by_client($pool, $muster, sub { $request->($_[0], $pool) })
    } qw(few many);
    my %by = $run->compare("member: $what", \@runners, slow => 1);
    my ($few, $many) = (Muster::Bench::Data::FEW, $run->option('crowd'));
    $run->judge('member', "$what: a pool of $many members, of $few", @by{qw(many few)}, most => 1.5);
    return;
}

sub member {
    my ($run) = @_;
    my %headers = ('Clusto-Mode' => 'compact');
    my $n = 0;
    crowd_race($run, 'an attribute set', sub {
        my ($client, $pool) = @_;
        return $client->put("/attribute/$pool/bench/note", form => { datatype => 'int', value => ++$n }, headers => \%headers);
    });
    my %is_in;
    crowd_race($run, 'a member inserted or removed', sub {
        my ($client, $pool) = @_;
        my $action = ($is_in{$client}{$pool} ^= 1) ? 'insert' : 'remove';
        my %form   = (action => $action, device => Muster::Bench::Data::SPARE);
        return $client->post("/entity/pool/$pool", form => \%form, headers => \%headers);
    });
    return;
}

# --- many in one

# Creates an object and posts these attributes to it, several in each request; so many times.
sub post_attributes {
    my ($target, $times, @requests) = @_;
    state $objects = 0;
    my $client = $target->{client};
    my $count  = 0;
    my $start  = time;
    for (1 .. $times) {
        my $object = "bench$$-" . ++$objects;
        my $made   = $client->post('/entity/basicserver', form => { name => $object });
        die "POST: $made->{status} $made->{body}\n" if $made->{status} != 201;
        for my $attributes (@requests) {
            my $answer = $client->post("/attribute/$object", json => $attributes);
            die "POST: $answer->{status} $answer->{body}\n" if $answer->{status} != 201;
            $count += @$attributes;
        }
    }
    return { count => $count, rate => $count / (time - $start), errors => 0 };
}

# A thousand attributes by one client: all in one request, and each in one of its own. (--quick sends
# fewer of these: the later ones cost more, as each answer shows all that are there.)
sub bulk {
    my ($run) = @_;
    my $many  = 1000;
    my @all   = map { +{ key => 'bulk', number => $_, value => "$_" } } 1 .. $many;
    my @each  = map { [$_] } @all[ 0 .. ($run->option('quick') ? $many / 10 : $many) - 1 ];
    my $muster = $run->world->muster('plain');
    my %by     = $run->compare(
        'bulk',
        [
            $run->runner('in one',     $muster, sub { post_attributes($_[0], 5, \@all) }),
            $run->runner('one by one', $muster, sub { post_attributes($_[0], 1, @each) }),
        ],
        slow => 1,
    );
    $run->judge('bulk', "$many attributes in one request, of as many requests", @by{ 'in one', 'one by one' }, most => 0.05);
    return;
}

# --- a server with all that it needs

my ($racks, $units) = (200, 40);
my %compact = (headers => { 'Clusto-Mode' => 'compact' });

sub made {
    my ($answer) = @_;
    die "POST: $answer->{status} $answer->{body}\n" if $answer->{status} !~ /^20[01]$/;
    return $answer->{json};
}

# What servers are provisioned from, in a database where this was not done yet.
sub provider {
    my ($target) = @_;
    state %taken;
    if (!defined $taken{ $target->{url} }) {
        my $make = sub { made($target->{client}->post($_[0], form => $_[1], %compact)) };
        $make->('/resourcemanager/simpleentitynamemanager', [ name => 'provnames', basename => 'prov', digits => 6 ]);
        $make->('/resourcemanager/ipmanager', [ name => 'provlan', baseip => '172.16.0.0', netmask => '255.240.0.0' ]);
        $make->('/entity/pool', [ name => 'provided' ]);
        $make->('/entity/basicrack', [ map { (name => "provrack$_") } 1 .. $racks ]);
    }
    my $n = $taken{ $target->{url} }++;
    return ('provrack' . (1 + int($n / $units) % $racks), 1 + $n % $units);
}

# The requests: method, path and parameters or body. `$server` is its name, which the first one gives.
sub provisioning {
    my ($server, $rack, $unit) = @_;
    my @attributes = map { { key => 'prov', subkey => "key$_", value => "value $_" } } 1 .. 5;
    return (
        [ POST => '/resourcemanager/simpleentitynamemanager/provnames', { driver => 'basicserver' } ],
        [ POST => '/resourcemanager/ipmanager/provlan', { object => $server } ],
        [ POST => "/entity/basicrack/$rack", { action => 'insert', device => $server, rackU => $unit } ],
        [ POST => '/entity/pool/provided', { action => 'insert', device => $server } ],
        [ POST => "/attribute/$server", \@attributes ],
    );
}

sub provision_at_once {
    my ($target) = @_;
    my @operations = map {
        my ($method, $path, $what) = @$_;
        { method => $method, path => $path, (ref $what eq 'HASH' ? 'params' : 'body') => $what }
    } provisioning('${0}', provider($target));
    return made($target->{client}->post('/transaction', json => \@operations, %compact));
}

sub provision_singly {
    my ($target) = @_;
    my @where  = provider($target);
    my $client = $target->{client};
    my $server;
    for my $step (0 .. 4) {
        my (undef, $path, $what) = @{ (provisioning($server // '', @where))[$step] };
        my $json = made($client->post($path, (ref $what eq 'HASH' ? 'form' : 'json') => $what, %compact));
        $server //= $json =~ s{.*/}{}r;
    }
    return;
}

# A name, an address, a place in a rack, a pool and five attributes: five operations in one request, and as five.
sub provision {
    my ($run)  = @_;
    my $muster = $run->world->muster('plain');
    my $times  = $run->option('quick') ? 20 : 50;
    my @ways   = (['one transaction', \&provision_at_once], ['five requests', \&provision_singly]);
    my @runners = map {
        my ($way, $provision) = @$_;
        $run->runner($way, $muster, sub {
            my ($target) = @_;
            my $start = time;
            $provision->($target) for 1 .. $times;
            return { count => $times, rate => $times / (time - $start), errors => 0 };
        })
    } @ways;
    my %by = $run->compare('provision', \@runners, slow => 1);
    $run->judge('provision', 'a server provisioned in one transaction, of five requests', @by{ 'one transaction', 'five requests' }, most => 1);
    return;
}

1;
