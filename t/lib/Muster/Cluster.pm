# Muster::Cluster: what the clusters of the tests have in common, whatever runs them: two nodes, each of which
# has a process that watches over its PostgreSQL.
package Muster::Cluster;
use v5.24;
use warnings;
use Carp qw(croak);
use Muster::Process qw(poll run slurp);

# As Muster::Postgres's, on a node, for those who check the ledger: $cluster->node('two')->psql(...).
sub node { my ($self, $name) = @_; return bless { cluster => $self, name => $name }, 'Muster::Cluster::Node' }

sub other { my ($self, $name) = @_; return $name eq 'one' ? 'two' : 'one' }

# Again until it finds no others: what was stopped starts none.
sub pause {
    my ($self, $name) = @_;
    my $all = $self->{paused}{$name} = [];
    for (my @found = $self->processes($name); @found > @$all; @found = $self->processes($name)) {
        kill 'STOP', @found;
        @$all = @found;
    }
    return;
}

sub resume { my ($self, $name) = @_; return kill 'CONT', reverse @{ delete $self->{paused}{$name} // [] } }

# As if the machine had lost its power.
sub kill_node {
    my ($self, $name) = @_;
    $self->pause($name);
    my @all = @{ delete $self->{paused}{$name} };
    kill 'KILL', @all;
    poll(10, sub { Muster::Process::gone(@all[ 1 .. $#all ]) }) or croak 'processes stay';
    $self->{keeper}{$name}->wait(10);
    return;
}

sub conninfo {
    my ($self, @names) = @_;
    return sprintf 'host=%s port=%s dbname=muster user=postgres target_session_attrs=read-write',
        join(',', ('127.0.0.1') x @names), join(',', @{ $self->{port} }{@names});
}

# All processes of a node: the watching one, and PostgreSQL with its children.
sub processes {
    my ($self, $name) = @_;
    my @all  = ($self->{keeper}{$name}->pid);
    my $file = "$self->{dir}/$name/postmaster.pid";
    my ($postmaster) = -e $file ? slurp($file) =~ /^(\d+)/ : ();
    push @all, $postmaster if $postmaster && -d "/proc/$postmaster";
    my %known = map { $_ => 1 } @all;
    for (my $i = 0; $i < @all; $i++) { push @all, grep { !$known{$_}++ } Muster::Process::children_of($all[$i]) }
    return @all;
}

# Does this node take writes at once? Not one that is told to read only, nor one whose commits wait for a standby
# that is not there.
sub takes_writes {
    my ($self, $name) = @_;
    return !$self->{paused}{$name} && $self->node($name)->psql(<<'END') eq 'yes';
select 'yes' where not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off'
    and (current_setting('synchronous_standby_names') = '' or exists (select from pg_stat_replication where sync_state in ('sync', 'quorum')))
END
}

# SQL on a node.
sub query {
    my ($self, $name, $database, $sql, %option) = @_;
    my $result = run(
        [ "$self->{bin}/psql", '-XqAt', '-h', '127.0.0.1', '-p', $self->{port}{$name}, '-U', $option{user} // 'postgres', '-d', $database, '-f', '-' ],
        stdin => $sql, user => $self->{user}, cwd => $self->{dir}, env => { %{ $self->{env} }, PGCONNECT_TIMEOUT => 3 }, timeout => 120,
    );
    chomp(my $text = $result->{out});
    return $text;
}

# Ends the nodes that run, and then the others of the names.
sub end_nodes {
    my ($self, @names) = @_;
    $self->resume($_) for keys %{ $self->{paused} // {} };
    $self->{keeper}{$_} && $self->{keeper}{$_}->alive && $self->{keeper}{$_}->stop('INT', 30) for @names;
    return;
}

package Muster::Cluster::Node;

sub psql {
    my ($self, $sql) = @_;
    my $text = $self->{cluster}->query($self->{name}, 'muster', $sql);
    return wantarray ? split(/\n/, $text) : $text;
}

1;
