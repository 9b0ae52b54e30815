# Muster::Census: what a leak would show in, counted when all is quiet: descriptors, memory, sessions.
package Muster::Census;
use v5.24;
use warnings;
use Exporter 'import';
use Muster::Client qw(parallel);
use Muster::Process qw(poll slurp);
use Test::More;

our @EXPORT_OK = qw(census descriptors same_census);

# What the memory of a worker may differ by, in KiB: buffers that grew with the largest request.
my $MEMORY = 4096;

# How many a process has open.
sub descriptors { return scalar(my @fds = glob "/proc/$_[0]/fd/*") }

sub _names { return join ' ', map { readlink($_) // '?' } glob "/proc/$_[0]/fd/*" }

sub _sessions {
    my ($postgres) = @_;
    return $postgres->psql("select count(*) from pg_stat_activity where application_name like 'muster%' and backend_type = 'client backend'");
}

# Which worker takes a request is chance, and each connects with its first: asks until all have.
sub _wake {
    my ($postgres, $front, $count) = @_;
    poll(15, sub {
        parallel(2 * $count, sub { my $client = $front->client; $client->get('/by-name/clustometa') for 1 .. 5; return 1 });
        return _sessions($postgres) >= $count;
    });
    return;
}

# Options: server, postgres, front, workers (how many).
sub census {
    my (%option) = @_;
    my ($server, $postgres, $count) = @option{qw(server postgres workers)};
    my @workers = $server->workers($count);
    _wake($postgres, $option{front}, $count);
    # Those that are ending are gone in a moment.
    poll(10, sub { _sessions($postgres) == $count });
    @workers = $server->workers($count);
    my $now = {
        %option,
        pids     => \@workers,
        sessions => _sessions($postgres),
        memory   => [ map { $server->memory($_, 'RssAnon') } @workers ],
    };
    # A connection of the front server's may just be closing.
    poll(5, sub {
        $now->{descriptors} = [ map { descriptors($_) } $server->pid, @workers ];
        return !$option{like} || "@{ $now->{descriptors} }" eq "@{ $option{like}{descriptors} }";
    });
    return $now;
}

# The same again, compared. Options: new_workers => 1: others may have taken their places.
sub same_census {
    my ($before, %option) = @_;
    my $now = census((map { $_ => $before->{$_} } qw(server postgres front workers)), like => $before);
    is("@{ $now->{pids} }", "@{ $before->{pids} }", 'the workers are the same') unless $option{new_workers};
    is("@{ $now->{descriptors} }", "@{ $before->{descriptors} }", 'supervisor and workers have as many descriptors as before')
        or diag join "\n", map { _names($_) } $before->{server}->pid, @{ $now->{pids} };
    is($now->{sessions}, $now->{workers}, 'each worker has one session');
    return $now if $ENV{MUSTER_SANITIZED};    # the sanitizers keep what was freed
    my ($was, $is) = map { (sort { $b <=> $a } @{ $_->{memory} })[0] } $before, $now;
    cmp_ok($is, '<', $was + $MEMORY, "the largest worker had $was KiB and has $is");
    return $now;
}

1;
