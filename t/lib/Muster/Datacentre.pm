# Muster::Datacentre: a small data centre, made by requests: racks, servers, switches, pools, addresses.
package Muster::Datacentre;
use v5.24;
use warnings;
use Carp qw(croak);

sub op { my ($method, $path, %params) = @_; return { method => $method, path => $path, params => \%params } }

sub attr { my ($name, $body) = @_; return { method => 'POST', path => "/attribute/$name", body => $body } }

sub transact {
    my ($client, $why, @operations) = @_;
    while (my @some = splice @operations, 0, 400) {
        my $answer = $client->post('/transaction', json => \@some, headers => { 'Clusto-Description' => $why, 'Clusto-Mode' => 'compact' });
        croak "$why: $answer->{status} " . substr $answer->{body}, 0, 500 if $answer->{status} != 200;
    }
    return;
}

# What is put into rack $r of $racks: servers of one to four units from below, a switch on top.
sub rack_operations {
    my ($r, $n, $kinds) = @_;
    my $rack   = sprintf 'ams1-a%02d', $r;
    my $switch = "sw-$rack";
    my @operations = (
        op(POST => '/entity/basicnetworkswitch', name => $switch),
        op(POST => "/entity/basicrack/$rack", action => 'insert', device => $switch, rackU => 45),
        ($r < 5 ? op(POST => '/resourcemanager/ipmanager/ams1-mgmt', object => $switch) : ()),
        attr($switch, [ { key => 'model', subkey => 'property', value => 'QFX5120' } ]),
    );
    my $unit = 1;
    for my $i (1 .. 20) {
        my ($role, $size, $owner, $model) = @{ $kinds->[ $$n++ % @$kinds ] };
        my $name = sprintf 'ams1-%s%03d', $role, $$n;
        push @operations, op(POST => '/entity/basicserver', name => $name),
            op(POST => "/entity/basicrack/$rack", action => 'insert', device => $name, rackU => [ $unit .. $unit + $size - 1 ]),
            op(POST => "/entity/pool/$role", action => 'insert', device => $name),
            op(POST => '/resourcemanager/ipmanager/ams1-servers', object => $name),
            attr($name, [
                { key => 'model', subkey => 'property', value => $model }, { key => 'os', value => $$n % 5 ? 'debian-12' : 'debian-13' },
                { key => 'owner', value => $owner }, { key => 'system', subkey => 'memory', value => 65536 * $size },
                { key => 'system', subkey => 'cpucount', value => 16 * $size },
            ]);
        $unit += $size + ($i % (3 + $r) == 0 ? 2 : 0);
        last if $unit > 40;
    }
    return @operations;
}

# Fills the inventory by this client: $racks racks (6).
sub fill {
    my ($client, %option) = @_;
    my $racks = $option{racks} // 6;
    my @kinds = ([ web => 1, 'frontend', 'R640' ], [ db => 2, 'core', 'R740' ], [ cache => 1, 'core', 'R640' ], [ k8s => 2, 'platform', 'R7525' ],
        [ store => 4, 'storage', 'SSG-6049' ]);
    my @roles = map { $_->[0] } @kinds;
    transact($client, 'a data centre', op(POST => '/entity/basicdatacenter', name => 'ams1'), op(POST => '/entity/basiczone', name => 'ams1-a'),
        op(POST => '/entity/basicdatacenter/ams1', action => 'insert', device => 'ams1-a'),
        op(POST => '/entity/basicrack', name => [ map { sprintf 'ams1-a%02d', $_ } 1 .. $racks ]),
        (map { op(POST => '/entity/basiczone/ams1-a', action => 'insert', device => sprintf 'ams1-a%02d', $_) } 1 .. $racks),
        op(POST => '/entity/pool', name => [ 'production', @roles ]),
        op(POST => '/entity/pool/production', action => 'insert', device => \@roles),
        op(POST => '/resourcemanager/ipmanager', name => 'ams1-servers', baseip => '10.20.1.0', netmask => 24, gateway => '10.20.1.1'),
        op(POST => '/resourcemanager/ipmanager', name => 'ams1-mgmt', baseip => '10.20.9.0', netmask => 29, gateway => '10.20.9.1'),
        op(POST => '/resourcemanager/simpleentitynamemanager', name => 'web-names', basename => 'ams1-web', digits => 3));
    my $n = 0;
    transact($client, "rack $_ is filled", rack_operations($_, \$n, \@kinds)) for 1 .. $racks;
    return;
}

1;
