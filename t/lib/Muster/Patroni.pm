# Muster::Patroni: a cluster that Patroni runs, with an etcd of its own: two nodes on loopback ports, of which
# one confirms what the other commits.
package Muster::Patroni;
use v5.24;
use warnings;
use Carp qw(croak);
use HTTP::Tiny;
use JSON::PP ();
use Muster::Postgres;
use Muster::Process qw(free_port http_up poll slurp spew temp_dir which);
use parent 'Muster::Cluster';

# Why there can be none here; nothing: there can.
sub missing {
    my @missing = grep { !which($_) } qw(etcd patroni);
    return @missing ? "@missing missing (Debian: etcd-server, patroni, python3-etcd)" : ();
}

# Nodes are one and two.
sub new {
    my ($class) = @_;
    my $self = bless { dir => temp_dir(), bin => Muster::Postgres::_bin(), user => $> == 0 ? 'postgres' : undef }, $class;
    if ($self->{user}) { chown((getpwnam 'postgres')[ 2, 3 ], $self->{dir}) or croak "$self->{dir}: $!" }
    $self->{env} = { (map { $_ => undef } grep { /^(?:PG|ETCD|PATRONI)/ } keys %ENV), HOME => $self->{dir} };
    $self->_begin_etcd;
    for my $name (qw(one two)) {
        $self->{port}{$name} = free_port();
        $self->{rest}{$name} = free_port();
        $self->run_node($name);
        poll(90, sub { $self->member($name)->{state} =~ /^(?:running|streaming)$/ }) or croak "$name: " . slurp("$self->{dir}/$name.log");
        $self->query('one', 'postgres', 'create database muster') if $name eq 'one';
    }
    poll(60, sub { $self->is_well }) or croak slurp("$self->{dir}/two.log");
    return $self;
}

# With the second version of its interface: in Patroni 3.0.2 a leader that was paused takes the lock of its
# successor by the third one.
sub _begin_etcd {
    my ($self) = @_;
    my ($client, $peer) = map { 'http://127.0.0.1:' . free_port() } 1 .. 2;
    ($self->{etcd_address}) = $client =~ m{//(.*)};
    $self->{etcd} = Muster::Process->start(
        [ which('etcd'), '--name', 'etcd', '--data-dir', "$self->{dir}/etcd", '--enable-v2', '--listen-client-urls', $client, '--advertise-client-urls', $client,
          '--listen-peer-urls', $peer, '--initial-advertise-peer-urls', $peer, '--initial-cluster', "etcd=$peer" ],
        user => $self->{user}, env => $self->{env}, cwd => $self->{dir}, out => "$self->{dir}/etcd.log",
    );
    poll(30, sub { http_up($self->{etcd_address} =~ /(\d+)$/) }) or croak slurp("$self->{dir}/etcd.log");
    return;
}

# JSON is YAML, too.
sub _configuration {
    my ($self, $name) = @_;
    my ($postgres, $rest) = map { "127.0.0.1:$self->{$_}{$name}" } qw(port rest);
    return JSON::PP->new->canonical->encode({
        scope     => 'muster',
        name      => $name,
        restapi   => { listen => $rest, connect_address => $rest },
        etcd      => { host => $self->{etcd_address} },
        bootstrap => {
            dcs    => { ttl => 10, loop_wait => 1, retry_timeout => 3, synchronous_mode => JSON::PP::true, postgresql => { use_pg_rewind => JSON::PP::true } },
            initdb => [ { encoding => 'UTF8' }, { locale => 'C' }, 'data-checksums' ],
        },
        postgresql => {
            listen          => $postgres,
            connect_address => $postgres,
            basebackup      => [ { checkpoint => 'fast' } ],
            data_dir        => "$self->{dir}/$name",
            bin_dir         => $self->{bin},
            authentication  => { map { $_->[0] => { username => $_->[1], password => 'x' } } [ superuser => 'postgres' ], [ replication => 'replicator' ], [ rewind => 'rewinder' ] },
            pg_hba          => [ map { "host $_ all 127.0.0.1/32 trust" } qw(all replication) ],
            parameters      => { unix_socket_directories => $self->{dir}, shared_buffers => '32MB' },
        },
        watchdog => { mode => 'off' },
    });
}

# The Patroni of a node, which runs its PostgreSQL.
sub run_node {
    my ($self, $name) = @_;
    my $file = spew("$self->{dir}/$name.yml", $self->_configuration($name));
    $self->{keeper}{$name} = Muster::Process->start([ which('patroni'), $file ], user => $self->{user}, env => $self->{env}, cwd => $self->{dir}, out => "$self->{dir}/$name.log");
    $self->{keeper}{$name}{end_seconds} = 30;
    return;
}

# What Patroni says of a node: role, state.
sub member {
    my ($self, $name) = @_;
    for my $asked (qw(one two)) {
        next if !$self->{keeper}{$asked} || !$self->{keeper}{$asked}->alive || $self->{paused}{$asked};
        my $answer = HTTP::Tiny->new(timeout => 3)->get("http://127.0.0.1:$self->{rest}{$asked}/cluster");
        my $known  = $answer->{status} == 200 && eval { JSON::PP->new->decode($answer->{content}) } or next;
        for my $member (@{ $known->{members} }) { return { role => '', state => '', %$member } if $member->{name} eq $name }
    }
    return { role => '', state => '' };
}

sub state_of { my ($self, $name) = @_; my $member = $self->member($name); return "$member->{role} $member->{state}" }

sub primary {
    my ($self) = @_;
    my ($name) = grep { $self->state_of($_) eq 'leader running' } qw(one two);
    return $name;
}

# The primary, when the other one confirms its commits; nothing: it does not.
sub is_well {
    my ($self) = @_;
    my $primary = $self->primary // return;
    return $self->query($primary, 'postgres', "select 'yes' from pg_stat_replication where sync_state = 'sync'") eq 'yes' ? $primary : undef;
}

sub switch_over {
    my ($self) = @_;
    my $primary = $self->primary // croak 'there is no primary';
    my $answer  = HTTP::Tiny->new(timeout => 60)->post("http://127.0.0.1:$self->{rest}{$primary}/switchover",
        { content => JSON::PP->new->encode({ leader => $primary, candidate => $self->other($primary) }) });
    croak "switchover: $answer->{status} $answer->{content}" if $answer->{status} !~ /^20/;
    return;
}

# The cluster knows that this node has no standby.
sub is_alone { my ($self, $name) = @_; return $self->state_of($self->other($name)) !~ /streaming$/ }

sub stop {
    my ($self) = @_;
    $self->end_nodes(qw(one two));
    return $self->{etcd}->stop('TERM', 20);
}

1;
