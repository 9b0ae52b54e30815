# Muster::Bench::Scenarios: what is measured, by name; and the reads of one thing.
package Muster::Bench::Scenarios;
use v5.24;
use warnings;
use JSON::PP ();
use Muster::Bench::Bulk;
use Muster::Bench::Data;
use Muster::Bench::Lists;
use Muster::Bench::Past;
use Muster::Bench::Queries;
use Muster::Bench::Race qw(unsteady);
use Muster::Bench::Run;
use Muster::Bench::Unchanged;
use Muster::Bench::Worst;
use Muster::Bench::Writes;

# In this order: writes come after reads.
my @scenarios = (
    [ 'by-name',     \&by_name ],
    [ 'compact',     \&compact ],
    [ 'attribute',   \&attribute ],
    [ 'document',    \&document ],
    [ 'path',        \&path ],
    [ 'from-pools',  \&Muster::Bench::Lists::from_pools ],
    [ 'pool-of-100', \&Muster::Bench::Lists::pool_of_100 ],
    [ 'list',        \&Muster::Bench::Lists::list ],
    [ 'gone',        \&Muster::Bench::Lists::gone ],
    [ 'export',      \&Muster::Bench::Bulk::export ],
    [ 'tail',        \&tail ],
    [ 'growth',      \&Muster::Bench::Lists::growth ],
    [ 'keyset',      \&Muster::Bench::Lists::keyset ],
    [ 'crowd',       \&Muster::Bench::Lists::crowd ],
    [ 'past',        \&Muster::Bench::Past::past ],
    [ 'query',       \&Muster::Bench::Queries::queries ],
    [ 'short-lists', \&Muster::Bench::Unchanged::short_lists ],
    [ 'unchanged',   \&Muster::Bench::Unchanged::unchanged ],
    [ 'hot',         \&hot ],
    [ 'hot-mixed',   \&Muster::Bench::Writes::hot_mixed ],
    [ 'set',         \&Muster::Bench::Writes::set ],
    [ 'told',        \&Muster::Bench::Writes::told ],
    [ 'allocate',    \&Muster::Bench::Writes::allocate ],
    [ 'set-prefs',   \&Muster::Bench::Writes::set_preferences ],
    [ 'member',      \&Muster::Bench::Writes::member ],
    [ 'bulk',        \&Muster::Bench::Writes::bulk ],
    [ 'provision',   \&Muster::Bench::Writes::provision ],
    [ 'worst',       \&Muster::Bench::Worst::worst ],
    [ 'import',      \&Muster::Bench::Bulk::many ],
);

sub names { return map { $_->[0] } @scenarios }

sub run_all {
    my ($run) = @_;
    my %only = map { $_ => 1 } split /,/, $run->option('only') // '';
    for my $scenario (@scenarios) {
        my ($name, $code) = @$scenario;
        next if %only && !$only{$name};
        $code->($run);
    }
    if ($run->option('peers')) {
        require Muster::Bench::Peers;
        Muster::Bench::Peers::run_all($run);
    }
    return;
}

# --- a responder beside us

# An answer whatever the order of its members.
sub in_order {
    my ($answer) = @_;
    state $json = JSON::PP->new->canonical->allow_nonref;
    $answer->{json}{parents} = [ sort $answer->{json}{parents}->@* ]
        if ref $answer->{json} eq 'HASH' && ref $answer->{json}{parents} eq 'ARRAY';
    return defined $answer->{json} ? $json->encode($answer->{json}) : $answer->{body};
}

sub check_same {
    my ($run, $id, $answer, $same) = @_;
    $run->report->note("$id: the bare responder's answer is not the same:\n$same->{body}\n$answer->{body}")
        if in_order($same) ne in_order($answer) || length $same->{body} != length $answer->{body};
    my ($ours, $theirs) = map { join ' ', sort keys %{ $_->{headers} } } $answer, $same;
    $run->report->note("$id: the bare responder's headers are not the same: $theirs; $ours") if $ours ne $theirs;
    return;
}

# What there is to compare with, after a look that it answers the same, all in one race. $of{most} is
# of the bare responder.
sub read_race {
    my ($run, $id, $what, %of) = @_;
    my $world   = $run->world;
    my $muster  = $world->muster('plain');
    my $bare    = $world->bare($of{bare});
    my %request = (headers => $of{headers} // {});
    my $answer  = $muster->{client}->get($of{example}, %request);
    die "$of{example}: status $answer->{status}, $answer->{body}\n" if $answer->{status} != 200;
    check_same($run, $id, $answer, $bare->{client}->get($of{example}, %request));
    my $constant = $world->constant($answer->{body});
    my %by       = $run->compare(
        $id,
        [
            $run->over_http('muster',   $muster,   $of{lua}),
            $run->over_http('bare',     $bare,     $of{lua}),
            $run->over_http('constant', $constant, $of{lua}, every => 4),
            $run->in_pgbench('pgbench', $of{sql}, %{ $of{variables} // {} }, every => 4),
        ],
    );
    $run->judge($id, "$what, of the bare responder", @by{qw(muster bare)}, most => $of{most});
    $run->judge($id, '    of a constant answer', @by{qw(muster constant)});
    $run->judge($id, '    of pgbench',           @by{qw(muster pgbench)});
    return;
}

my $first    = Muster::Bench::Data::FIRST - 1;
my @managers = (':managers::text[]', ':resources::text[]');
my $name     = "('server' || :n::text)";

sub by_name {
    my ($run) = @_;
    my $n = $run->servers;
    read_race(
        $run, 'by-name', 'by-name, expanded',
        bare    => 'object',
        example => '/by-name/server' . ($first + $n),
        lua     => Muster::Bench::Run::any_of($n, '/by-name/serverN'),
        sql     => Muster::Bench::Run::any_number($n) . $run->world->statement('object_by_name', @managers, $name) . ';',
        most    => 1.05,
    );
    return;
}

sub compact {
    my ($run) = @_;
    my $n = $run->servers;
    my %headers = ('Clusto-Mode' => 'compact');
    read_race(
        $run, 'compact', 'by-name, compact',
        bare    => 'ref',
        example => '/by-name/server' . ($first + $n),
        headers => \%headers,
        lua     => Muster::Bench::Run::any_of($n, '/by-name/serverN', %headers),
        sql     => Muster::Bench::Run::any_number($n) . $run->world->statement('ref_by_name', $name) . ';',
        most    => 1.05,
    );
    return;
}

sub attribute {
    my ($run) = @_;
    my $n = $run->servers;
    read_race(
        $run, 'attribute', 'attributes of an object',
        bare    => 'attrs',
        example => '/attribute/server' . ($first + $n),
        lua     => Muster::Bench::Run::any_of($n, '/attribute/serverN'),
        sql     => Muster::Bench::Run::any_number($n) . $run->world->statement('object_alone', @managers, $name) . ';',
        most    => 1.05,
    );
    return;
}

# --- preferences

# wrk sends one set of headers; the user is another one each time.
sub any_user {
    my ($count, $path) = @_;
    return "local headers = {}\n"
        . "request = function() headers['X-User-Id'] = 'user' .. ($first + math.random($count));"
        . " return wrk.format('GET', '$path', headers) end\n";
}

my $user = "('user' || :n::text)";

sub document {
    my ($run) = @_;
    my $n = $run->option('preferences');
    read_race(
        $run, 'document', 'a preferences document',
        bare      => 'document',
        example   => '/preferences/settings',
        headers   => { 'X-User-Id' => 'user' . ($first + $n) },
        lua       => any_user($n, '/preferences/settings'),
        sql       => Muster::Bench::Run::any_number($n) . $run->world->statement('prefs_get', $user, ':container::text') . ';',
        variables => { container => 'settings' },
        most      => 1.15,
    );
    return;
}

sub path {
    my ($run) = @_;
    my $n = $run->option('preferences');
    my @parameters = ($user, ':container::text', ':path::text[]');
    read_race(
        $run, 'path', 'preferences, one path',
        bare      => 'path',
        example   => '/preferences/settings/panels',
        headers   => { 'X-User-Id' => 'user' . ($first + $n) },
        lua       => any_user($n, '/preferences/settings/panels'),
        sql       => Muster::Bench::Run::any_number($n) . $run->world->statement('prefs_get_path', @parameters) . ';',
        variables => { container => 'settings', path => '{panels}' },
        most      => 1.15,
    );
    return;
}

# --- many clients, and what is asked for again and again

sub tail {
    my ($run) = @_;
    my $lua   = Muster::Bench::Run::any_of($run->servers, '/by-name/serverN');
    my %by    = $run->compare('tail', [ $run->over_http('64 clients', $run->world->muster('plain'), $lua, clients => 64) ], slow => 1);
    my $found = $by{'64 clients'} // return;
    $run->report->line('tail', 'by-name, 64 clients: p99 / p50', value => $found->{p50} ? $found->{p99} / $found->{p50} : undef,
        most => 4, unreliable => unsteady($found));
    return;
}

sub hot {
    my ($run) = @_;
    my $lua = Muster::Bench::Run::any_of($run->hot_objects, '/by-name/serverN');
    $run->judge('hot', 'hot by-name, 64 clients: cached, of uncached', $run->cached_race('hot', $lua), most => 0.5);
    return;
}

1;
