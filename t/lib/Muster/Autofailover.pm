# Muster::Autofailover: a cluster that pg_auto_failover runs: a monitor and two nodes on loopback ports.
package Muster::Autofailover;
use v5.24;
use warnings;
use Carp qw(croak);
use Muster::Postgres;
use Muster::Process qw(free_port poll run slurp temp_dir which);
use parent 'Muster::Cluster';

# Why there can be none here; nothing: there can.
sub missing {
    return 'pg_autoctl is missing (Debian: pg-auto-failover-cli)' unless which('pg_autoctl');
    return 'pgautofailover is missing (Debian: postgresql-15-auto-failover)' unless -f Muster::Postgres::_bin() =~ s{/bin$}{/lib/pgautofailover.so}r;
    return;
}

# Nodes are one and two; one is the first primary.
sub new {
    my ($class) = @_;
    my $self = bless { dir => temp_dir(), bin => Muster::Postgres::_bin(), user => $> == 0 ? 'postgres' : undef }, $class;
    my $dir  = $self->{dir};
    if ($self->{user}) { chown((getpwnam 'postgres')[ 2, 3 ], $dir) or croak "$dir: $!" }
    $self->{env} = {
        (map { $_ => undef } grep { /^PG/ } keys %ENV),
        PATH => "$self->{bin}:$ENV{PATH}", HOME => $dir, map { ("XDG_$_" => "$dir/xdg") } qw(CONFIG_HOME DATA_HOME RUNTIME_DIR),
    };
    $self->_node('monitor', 'monitor');
    $self->{monitor_uri} = "postgres://autoctl_node\@127.0.0.1:$self->{port}{monitor}/pg_auto_failover";
    poll(30, sub { $self->on_monitor('select 1') eq '1' }) or croak 'no monitor: ' . slurp("$dir/monitor.log");
    # The tests can't wait for 20 s and 30 s.
    $self->on_monitor("alter system set pgautofailover.$_->[0] = $_->[1]", user => 'postgres')
        for [ node_considered_unhealthy_timeout => 3000 ], [ primary_demote_timeout => 2000 ], [ health_check_period => 500 ], [ health_check_timeout => 1000 ];
    $self->on_monitor('select pg_reload_conf()', user => 'postgres');
    for my $name (qw(one two)) {
        $self->_node($name, 'postgres', '--name', $name, '--monitor', $self->{monitor_uri}, '--dbname', 'muster', '--username', 'muster');
        my $state = $name eq 'one' ? 'single' : 'secondary';
        $self->wait_state($name, $state) or croak "$name is not $state: " . slurp("$dir/$name.log");
    }
    return $self;
}

sub _command {
    my ($self, $command, %option) = @_;
    return run($command, user => $self->{user}, env => $self->{env}, cwd => $self->{dir}, timeout => 120, %option);
}

sub _node {
    my ($self, $name, $kind, @more) = @_;
    my $port = $self->{port}{$name} = free_port();
    my $made = $self->_command(
        [ which('pg_autoctl'), 'create', $kind, '--pgdata', "$self->{dir}/$name", '--pgport', $port, '--hostname', '127.0.0.1', '--auth', 'trust', '--no-ssl', @more ],
    );
    croak "pg_autoctl create $kind: $made->{err}" if $made->{status} != 0;
    $self->run_node($name);
    return;
}

# The keeper of a node, which runs its PostgreSQL.
sub run_node {
    my ($self, $name) = @_;
    $self->{keeper}{$name} = Muster::Process->start(
        [ which('pg_autoctl'), 'run', '--pgdata', "$self->{dir}/$name" ],
        user => $self->{user}, env => $self->{env}, cwd => $self->{dir}, out => "$self->{dir}/$name.log",
    );
    $self->{keeper}{$name}{end_seconds} = 20;
    return;
}

sub on_monitor { my ($self, $sql, %option) = @_; return $self->query('monitor', 'pg_auto_failover', $sql, user => 'autoctl_node', %option) }

sub state_of {
    my ($self, $name) = @_;
    return $self->on_monitor("select reportedstate || ' ' || goalstate from pgautofailover.node where nodename = '$name'");
}

sub wait_state {
    my ($self, $name, $state, $seconds) = @_;
    return poll($seconds // 60, sub { $self->state_of($name) eq "$state $state" });
}

# The node that takes writes now, or undef.
sub primary {
    my ($self) = @_;
    my ($name) = grep { $self->state_of($_) =~ /^(?:primary|wait_primary|single) (?:primary|wait_primary|single)\z/ } qw(one two);
    return $name;
}

# The primary, when both nodes are as they should be; nothing: they are not.
sub is_well {
    my ($self) = @_;
    my ($primary) = grep { $self->state_of($_) eq 'primary primary' } qw(one two) or return;
    return $self->state_of($self->other($primary)) eq 'secondary secondary' ? $primary : undef;
}

# Asks the monitor for it; it goes on while this returns.
sub switch_over { my ($self) = @_; return $self->on_monitor("select pgautofailover.perform_failover()") }

# The cluster knows that this node has no standby.
sub is_alone { my ($self, $name) = @_; return $self->state_of($name) =~ /wait_primary$/ }

sub stop { my ($self) = @_; return $self->end_nodes(qw(one two monitor)) }

1;
