# Muster::Bench::Run: one run of the benchmark, as the scenarios see it: the world, the options, what
# can be measured, and who is compared with whom.
package Muster::Bench::Run;
use v5.24;
use warnings;
use Muster::Bench::Data;
use Muster::Bench::Load qw(pgbench wrk);
use Muster::Bench::Race qw(race ratio);
use Time::HiRes qw(time);

# Options: world, report, option.
sub new {
    my ($class, %option) = @_;
    return bless {%option}, $class;
}

sub world  { return $_[0]{world} }
sub report { return $_[0]{report} }
sub option { return $_[0]{option}{ $_[1] } }

# The inventory's servers.
sub servers { return $_[0]{world}->data->count('server') }

# Those of them that are asked for again and again.
use constant HOT => 1000;

sub hot_objects {
    my ($self) = @_;
    return $self->servers < HOT ? $self->servers : HOT;
}

# --- runners

sub _database { return (database => [ $_[0]{world}->postgres->{process}->pid ]) }

# One that has a target; run as Race has it.
sub runner {
    my ($self, $name, $target, $run, %more) = @_;
    my %groups = (front => $target->{front}, program => $target->{program}, $self->_database);
    return { name => $name, target => $target, groups => \%groups, run => $run, %more };
}

# One that answers HTTP. $lua as Load::wrk's; more: clients, every.
sub over_http {
    my ($self, $name, $target, $lua, %more) = @_;
    my $clients = delete $more{clients} // $self->option('clients');
    my $run     = sub {
        my ($at, $seconds, $seed) = @_;
        return wrk(url => $at->{url}, lua => $lua, clients => $clients, seconds => $seconds, seed => $seed);
    };
    return $self->runner($name, $target, $run, %more);
}

# One client that sends its requests one by one: $request is called with the client, and returns the
# response.
sub by_client {
    my ($self, $name, $target, $request) = @_;
    my $run = sub {
        my ($at, $seconds) = @_;
        my ($start, $count, $errors) = (time, 0, 0);
        do {
            $errors++ if $request->($at->{client})->{status} !~ /^2/;
            $count++;
        } while time - $start < $seconds;
        return { count => $count, rate => $count / (time - $start), errors => $errors };
    };
    return $self->runner($name, $target, $run);
}

# The database alone: a program of its own asks it, whose processor time is that of the program here.
sub in_database {
    my ($self, $name, $run, %more) = @_;
    return { name => $name, groups => { $self->_database }, load => 'program', run => $run, %more };
}

# pgbench, over as many connections as there are workers.
sub in_pgbench {
    my ($self, $name, $sql, %variables) = @_;
    my $world = $self->{world};
    my $every = delete $variables{every};
    my $run   = sub {
        my (undef, $seconds, $seed) = @_;
        return pgbench(
            postgres  => $world->postgres,
            database  => 'large',
            sql       => $sql,
            variables => { managers => $world->{managers}[0], resources => $world->{managers}[1], %variables },
            clients   => $self->option('workers'),
            session   => $world->session,
            seconds   => $seconds,
            seed      => $seed,
        );
    };
    return $self->in_database($name, $run, every => $every);
}

# --- comparisons

# Measures these and keeps the figures; by name. more: slow => 1: where requests take long, rounds are
# longer and fewer. With --against only Muster's are measured, each beside the other build, and nothing
# is returned.
sub compare {
    my ($self, $id, $runners, %more) = @_;
    my @rounds = $self->_rounds(%more);
    if (defined $self->option('against')) {
        $self->_beside_other_build($id, $_, @rounds) for grep { $_->{target} && $_->{target}{kind} } @$runners;
        return;
    }
    my @results = $self->_measure($id, $runners, @rounds);
    return map { $_->{name} => $_ } @results;
}

# How many, of how many seconds, and within how many: on a busy machine everything takes longer.
sub _rounds {
    my ($self, %more) = @_;
    my ($repeats, $seconds) = map { $self->option($_) } qw(repeats seconds);
    my $limit = 3.5 * $repeats * $seconds;
    return ($repeats, $seconds, $limit) if !$more{slow} || $repeats == 1 || $seconds >= 1;
    my $fewer = int($repeats * $seconds + 0.5);
    return ($fewer > 2 ? $fewer : 2, 1, $limit);
}

sub _measure {
    my ($self, $id, $runners, @rounds) = @_;
    $self->_warm_up($_) for @$runners;
    my @results = race(@rounds, @$runners);
    $self->{report}->race($id, @results);
    for my $result (@results) {
        $self->{report}->note("$id: $result->{errors} errors of $result->{name}") if $result->{errors};
    }
    return @results;
}

# The first requests pay for connections and plans.
sub _warm_up {
    my ($self, $runner) = @_;
    my $target = $runner->{target} // return;
    $runner->{run}->($target, 1, 0) unless $target->{warm}++;
    return;
}

sub _beside_other_build {
    my ($self, $id, $runner, @rounds) = @_;
    my $what   = $runner->{name} eq 'muster' ? $id : "$id: $runner->{name}";
    my $other  = $self->{world}->muster($runner->{target}{kind}, 'before');
    my $before = $self->runner('before', $other, $runner->{run});
    my ($was, $is) = $self->_measure($what, [ $before, { %$runner, name => 'after' } ], @rounds);
    $self->{report}->comparison($what, before => $was->{cost}, after => $is->{cost}, %{ ratio($is, $was) });
    return;
}

# Two of ours at the same requests of 64 clients: with the response cache, and without.
sub cached_race {
    my ($self, $id, $lua) = @_;
    my %target = (cached => $self->{world}->muster('cached'), uncached => $self->{world}->muster('plain'));
    my @both   = map { $self->over_http($_, $target{$_}, $lua, clients => 64) } sort keys %target;
    my %by     = $self->compare($id, \@both, slow => 1);
    return @by{qw(cached uncached)};
}

# A line with the ratio of two results; option: most, payers. Without them (--against) there is none.
sub judge {
    my ($self, $id, $what, $one, $other, %option) = @_;
    return unless $one && $other;
    my $payers = delete $option{payers} // [];
    $self->{report}->line($id, $what, %{ ratio($one, $other, @$payers) }, %option);
    return;
}

# --- questions

my $first = Muster::Bench::Data::FIRST - 1;

# Lua: a request for each of `count` things, by chance; `$path` has the number as N.
sub any_of {
    my ($count, $path, %headers) = @_;
    my $lua  = join '', map { "wrk.headers['$_'] = '$headers{$_}'\n" } sort keys %headers;
    my $text = "'" . ($path =~ s/N/' .. n .. '/r) . "'";
    return "${lua}request = function() local n = $first + math.random($count); return wrk.format('GET', $text) end\n";
}

# Lua: always the same request.
sub always {
    my ($path, %headers) = @_;
    my $lua = join '', map { "wrk.headers['$_'] = '$headers{$_}'\n" } sort keys %headers;
    return "${lua}request = function() return wrk.format('GET', '$path') end\n";
}

# Lua: forms are sent.
sub form { return "wrk.headers['Content-Type'] = 'application/x-www-form-urlencoded'\n" }

# SQL: the same choice for pgbench, as :n, and the entity's id as :id.
sub any_number {
    my ($count) = @_;
    my $from = $first + 1;
    my $to   = $first + $count;
    my $base = Muster::Bench::Data::SERVER_ID - $first;
    return "\\set n random($from, $to)\n\\set id $base + :n\n";
}

1;
