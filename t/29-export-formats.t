#!/usr/bin/perl
# 29-export-formats.t: contrib/muster-export: each format is what the program that reads it takes, a file is whole or
# stays as it was, and serials of zones grow. Checks by programs that are not installed are skipped, by name.
use v5.24;
use warnings;
use utf8;
use Cwd ();
use Encode ();
use IO::Socket::INET;
use JSON::PP ();
use Muster::Client;
use Muster::Process qw(free_port run slurp source_dir spew temp_dir which);
use Muster::World;
use Test::More;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

# Programs in /usr/sbin are for everybody to test with.
$ENV{PATH} .= ':/usr/sbin:/sbin';

my $world   = Muster::World->new(data => 0, conf => { workers => 2, drivers => [ { name => 'blade', parent => 'basicserver', type => 'server' } ] });
my $client  = $world->client;
my $program = source_dir() . '/contrib/muster-export';
my $dir     = temp_dir();

sub json { return JSON::PP->new->decode($_[0]) }
sub done { return $client->expect(@_) }
sub attr { my ($name, %form) = @_; return done("an attribute of $name", 201, POST => "/attribute/$name", form => \%form) }
sub put_in { my ($driver, $name, @devices) = @_; return done("members of $name", 200, POST => "/entity/$driver/" . Muster::Client::uri_encode($name), form => [ action => 'insert', map { (device => $_) } @devices ]) }
sub address { my ($name, $address) = @_; return done("$address of $name", 201, POST => '/resourcemanager/ipmanager/lan', form => { object => $name, resource => $address }) }

my $nasty = qq({{ lookup('pipe', 'id') }}\n; "x" \\ 'y',z);
done('servers', 201, POST => '/entity/basicserver', form => [ map { (name => $_) } 'web1', 'web2', 'db1', 'ns1.example.org', 'no host', '10.1.1.1' ]);
done('a blade', 201, POST => '/entity/blade', form => { name => 'blade1' });
done('pools', 201, POST => '/entity/pool', form => [ map { (name => $_) } 'web', 'production', 'all', '3rd;floor', 'größe', 'empty' ]);
done('a manager', 201, POST => '/resourcemanager/ipmanager', form => [ name => 'lan', baseip => '10.20.0.0', netmask => '16' ]);
put_in(pool => 'production', 'web', 'db1', 'all');
put_in(pool => 'web', 'web1', 'web2');
put_in(pool => '3rd;floor', 'web1');
put_in(pool => 'größe', 'web1', 'no host');
put_in(pool => 'all', 'blade1');
address(@$_) for [ web1 => '10.20.0.11' ], [ web1 => '10.20.1.11' ], [ web2 => '10.20.0.12' ], [ db1 => '10.20.0.13' ], [ 'ns1.example.org' => '10.20.0.2' ], [ 'no host' => '10.20.0.99' ];
attr('web1', key => 'port-nic-eth', subkey => 'mac', number => 1, value => '00-16-3E-aa-bb-01');
attr('web2', key => 'port-nic-eth', subkey => 'mac', number => 1, value => '00:16:3e:aa:bb:01');
attr('db1', key => 'port-nic-eth', subkey => 'mac', number => 1, value => '00:16:3e:aa:bb:03');
attr('db1', key => 'port-nic-eth', subkey => 'mac', number => 2, value => 'none');
attr('web1', key => 'system', subkey => 'memory', datatype => 'int', value => 32768);
attr('web1', key => 'os', value => 'debian');
attr('web1', key => 'motd', value => $nasty);
attr('web1', key => 'tag', value => $_) for qw(one two);
attr('web1', key => 'puppet', subkey => 'class', value => $_) for 'motd', 'Not A Class';
attr('web1', key => 'puppet', subkey => 'environment', value => 'production');
done('JSON', 201, POST => '/attribute/web1', json => { key => 'list', value => [ 1, { a => '{% x %}' } ] });
# Nothing is refused by a database: an address that is none, and circles.
$world->postgres->psql(<<'END');
insert into entity_attrs (entity_id, key, subkey, number, datatype, string_value, version) select entity_id, 'ip', 'ipstring', 77, 'string', '10.20.0.300', 1 from entities where name = 'db1';
insert into entities (name, type, driver, version) values ('circle1', 'pool', 'pool', 1), ('circle2', 'pool', 'pool', 1), (E'tab\there', 'server', 'basicserver', 1), ('-dash', 'server', 'basicserver', 1);
insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
    select c.entity_id, '_contains', 0, 'relation', m.entity_id, 1 from entities c, entities m where (c.name, m.name) in (('circle1', 'circle2'), ('circle2', 'circle1'), ('circle2', 'db1'));
END

sub export_env { my ($env, @args) = @_; return run([ 'python3', $program, @args ], env => { MUSTER_URL => $world->front->url, %$env }) }
sub export { return export_env({}, @_) }

# What is printed, after a success.
sub printed {
    my (@args) = @_;
    my $result = export(@args);
    is $result->{status}, 0, "muster-export @args" or diag $result->{err};
    return Encode::decode('UTF-8', $result->{out});
}

# The file that is written.
sub written { my ($name, @args) = @_; printed(@args, '--output', "$dir/$name"); return "$dir/$name" }

sub accepted {
    my ($what, @command) = @_;
    my $result = run(\@command, timeout => 120);
    return is($result->{status}, 0, "$what accepts it") || diag "@command\n$result->{out}$result->{err}";
}

# A subtest that needs a program. What takes long has nothing to do with how the server was built.
my %slow = map { $_ => 1 } qw(ansible-inventory puppet);

sub with_program {
    my ($name, $package, $code) = @_;
    SKIP: {
        which($name) or skip "$name is not installed (Debian: $package)", 1;
        $slow{$name} && $ENV{MUSTER_SANITIZED} and skip "$name is run on the plain build", 1;
        subtest $name => $code;
    }
    return;
}

subtest 'hosts' => sub {
    my $result = export('hosts', '--domain', 'example.org');
    is $result->{out}, <<"END", 'addresses and names';
# Generated by muster-export; changes are lost.
10.20.0.13\tdb1.example.org db1
10.20.0.2\tns1.example.org
10.20.0.11\tweb1.example.org web1
10.20.1.11\tweb1.example.org web1
10.20.0.12\tweb2.example.org web2
END
    for my $name (q('no host'), q('-dash'), q('tab\\there')) { like $result->{err}, qr/^muster-export: \Q$name\E is not a host name: left out$/m, "$name is left out" }
    like $result->{err}, qr/^muster-export: db1: '10\.20\.0\.300' is not an address: left out$/m, 'and what is not an address';
    like export('hosts')->{err}, qr/^muster-export: '10\.1\.1\.1' is not a host name: left out$/m, 'nor is an address a name';
    like printed('hosts'), qr/^10\.20\.0\.13\tdb1\n/m, 'without a domain';
    unlike printed('hosts', '--query', 'pool = web'), qr/db1/, 'what a query finds';
    unlike printed('hosts', '--pool', 'production', '--pool', 'web', '--query', 'name = db1 or name = web1'), qr/db1|web2/, 'and pools, each of them';
    like export('hosts', '--driver', 'blade')->{err}, qr/^muster-export: no host has an address$/m, 'a driver';
};

# A process that answers with these, one after the other: [ what, how many bytes it promises beyond that ].
sub answer_with {
    my ($listener, @answers) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    for my $answer (@answers) {
        my $socket = $listener->accept;
        while (<$socket>) { last if /^\r\n/ }
        print {$socket} "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " . (length($answer->[0]) + $answer->[1]) . "\r\n\r\n$answer->[0]";
    }
    POSIX::_exit(0);
}

subtest 'a file is whole, or stays' => sub {
    my $file = written('hosts', 'hosts');
    my ($before, $text) = ((stat $file)[1], slurp($file));
    chmod 0640, $file;
    printed('hosts', '--output', $file);
    is +(stat $file)[1], $before, 'one that would be the same is left alone';
    attr('web2', key => 'x', value => 'y');
    address(web2 => '10.20.0.14');
    symlink $file, "$dir/link";
    printed('hosts', '--output', "$dir/link");
    ok -l "$dir/link", 'a link stays one';
    like slurp($file), qr/^10\.20\.0\.14\tweb2$/m, 'what it names is replaced';
    is sprintf('%o', (stat $file)[2] & 07777), 640, 'and keeps its mode';
    $text = slurp($file);
    my $stays = sub {
        my ($why, $said, @args) = @_;
        my $result = export_env({}, @args, '--output', $file);
        is_deeply [ $result->{status}, $result->{out} ], [ 1, '' ], "$why: exit status 1, nothing is printed";
        like $result->{err}, qr/^muster-export: $said.*; \Q$file\E stays as it was$/ms, '... with the reason';
        is slurp($file), $text, '... and the file is as it was';
    };
    $stays->('nothing is found', qr/no host was found/, 'hosts', '--query', 'name = nobody');
    $stays->('an unknown pool', qr/.*404 "nobody does not exist\."/, 'hosts', '--pool', 'nobody');
    $stays->('a wrong query', qr/.*400 .*column 1/, 'hosts', '--query', 'nam = x');
    $stays->('nobody listens', qr/.*refused/, 'hosts', '--url', 'http://127.0.0.1:' . free_port());
    my $export = $client->get('/export')->{body};
    my $drivers = $client->get('/driverlist', headers => { 'Clusto-Mode' => 'expanded' })->{body};
    my $broken = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $!";
    for my $sent ([ 'the last line is missing', 0, $export =~ s/[^\n]*\n\z//r ], [ 'in the middle of a line', 1000, substr $export, 0, length($export) - 90 ], [ 'a number of lines', 0, $export =~ s/^[^\n]*"web1"[^\n]*\n//mr ], [ 'nothing', 0, '' ], [ 'no JSON', 0, '<html>' ]) {
        my ($what, $more, $body) = @$sent;
        my $pid = answer_with($broken, [ $drivers, 0 ], [ $body, $more ]);
        $stays->("broken: $what", qr/.+/, 'hosts', '--url', 'http://127.0.0.1:' . $broken->sockport);
        waitpid $pid, 0;
    }
    for my $odd ([ 'no object', '[]', '[]' ], [ 'a number', 5, 5 ], [ 'drivers of another kind', '{"basicserver": 1}', $export ], [ 'a line of another kind', $drivers, qq({"version": 1}\n[]\n{"complete": true, "objects": 1}\n) ], [ 'a line without its parts', $drivers, qq({"version": 1}\n{"name": "x"}\n{"complete": true, "objects": 1}\n) ], [ 'an end that does not count', $drivers, qq({"version": 1}\n{"complete": true}\n) ], [ 'a version that is none', $drivers, $export =~ s/"version": \d+/"version": "x"/r ]) {
        my ($what, @bodies) = @$odd;
        my $pid = answer_with($broken, map { [ $_, 0 ] } @bodies);
        $stays->("odd: $what", qr/(?!.*Traceback).+/s, 'hosts', '--url', 'http://127.0.0.1:' . $broken->sockport);
        kill TERM => $pid;
        waitpid $pid, 0;
    }
    is_deeply [ glob "$dir/hosts?* $dir/.hosts*" ], [], 'nothing is left beside it';
    my $killed = spew("$dir/sitecustomize.py", "import os\nos.replace = lambda *_: os.kill(os.getpid(), 9)\n");
    attr('web2', key => 'x', value => 'z');
    address(web2 => '10.20.0.15');
    export_env({ PYTHONPATH => $dir, PYTHONDONTWRITEBYTECODE => 1 }, 'hosts', '--output', $file);
    unlink $killed;
    is slurp($file), $text, 'killed before the end: the file is as it was';
    is_deeply [ [ glob "$dir/hosts?*" ], scalar(() = glob "$dir/.hosts.*") ], [ [], 1 ], '... and what is left beside it is hidden from who reads all of the directory';
};

subtest 'ssh-config' => sub {
    my $file = written('ssh-config', 'ssh-config', '--domain', 'example.org');
    like slurp($file), qr/^Host web1\.example\.org web1\n    HostName 10\.20\.0\.11\nHost web2/m, 'the first address';
    with_program(ssh => 'openssh-client', sub {
        for my $name (qw(web1 web1.example.org)) { like run([ 'ssh', '-F', $file, '-G', $name ])->{out}, qr/^hostname 10\.20\.0\.11$/m, "ssh -G $name" }
    });
};

my @zone = ('dns-zone', '--domain', 'example.org', '--ns', 'ns1.example.org', '--ns', 'ns.example.net');

sub serial { my ($file) = @_; return (slurp($file) =~ /(\d+) ; serial/)[0] }

subtest 'dns-zone' => sub {
    my $file = written('zone', @zone);
    is serial($file), ($client->get('/export')->{body} =~ /"version": (\d+)/)[0], 'the serial is the version';
    like slurp($file), qr/^web1\.example\.org\. IN A 10\.20\.0\.11$/m, 'a record';
    for my $wrong ([ 'no domain', 'required', 'dns-zone' ], [ 'a name server without an address', 'without an address', @zone, '--ns', 'ns7.example.org' ], [ 'one that is no full name', 'not a full name', @zone, '--ns', 'ns' ], [ 'not a name', 'not a full name', @zone, '--mail', 'a b.c' ], [ 'a time', 'out of range', @zone, '--ttl', '-1' ]) {
        my ($what, $said, @args) = @$wrong;
        like export(@args)->{err}, qr/$said/, "$what: refused";
    }
    with_program('named-checkzone' => 'bind9-utils', sub { accepted('named-checkzone', 'named-checkzone', '-i', 'local', 'example.org', $file) });
    with_program('nsd-checkzone' => 'nsd', sub { accepted('nsd-checkzone', 'nsd-checkzone', 'example.org', $file) });
};

subtest 'dns-reverse' => sub {
    my @args = ('dns-reverse', @zone[ 1 .. $#zone ]);
    my $file = written('reverse', @args, '--network', '10.20.0.0/16');
    like slurp($file), qr/^11\.0 IN PTR web1\.example\.org\.$/m, 'a record';
    with_program('named-checkzone' => 'bind9-utils', sub { accepted('named-checkzone', 'named-checkzone', '-i', 'none', '20.10.in-addr.arpa', $file) });
    with_program('nsd-checkzone' => 'nsd', sub { accepted('nsd-checkzone', 'nsd-checkzone', '20.10.in-addr.arpa', $file) });
    unlike printed(@args, '--network', '10.20.1.0/24'), qr/web2/, 'only what is in the network';
    like export(@args, '--network', $_->[0])->{err}, qr/$_->[1]/, "network $_->[0]: refused" for [ '10.20.0.0/20', 'prefix' ], [ '10.20.0.1/16', 'host bits' ], [ 'x', 'x' ], [ '10.21.0.0/16', 'no host has an address' ];
};

subtest 'serials grow' => sub {
    my $file  = written('serial', @zone);
    my $first = serial($file);
    attr('db1', key => 'note', value => 'x');
    printed(@zone, '--output', $file);
    is serial($file), $first, 'a zone that says the same keeps it';
    my $with = sub { my ($serial) = @_; return spew($file, slurp($file) =~ s/\d+ ; serial/$serial ; serial/r) };
    for my $case ([ 2024010101, 2024010102 ], [ 2**32 - 1, undef ], [ $first + 100, $first + 101 ], [ 1, undef ]) {
        my ($old, $new) = @$case;
        $with->($old);
        address(db1 => '10.20.3.' . ++$world->{last});
        printed(@zone, '--output', $file);
        my ($version) = $client->get('/export')->{body} =~ /"version": (\d+)/;
        is serial($file), $new // $version, "after $old";
    }
    spew($file, "example.org. 60 IN SOA ns.example.org. me.example.org. 4000000000 1 1 1 1 ; 77\n");
    printed(@zone, '--output', $file);
    ok serial($file) < 4000000000, 'after one that is far ahead, by the arithmetic of serials' ;
    spew($file, "not a zone\n");
    my $result = export(@zone, '--output', $file);
    is $result->{status}, 1, 'another file';
    is slurp($file), "not a zone\n", '... stays';
};

subtest 'unbound, dnsmasq, Kea' => sub {
    my $unbound = written('unbound', 'unbound', '--domain', 'example.org');
    with_program('unbound-checkconf' => 'unbound', sub {
        my $conf = spew("$dir/unbound.conf", "server:\n    directory: \"$dir\"\n    chroot: \"\"\n    username: \"\"\ninclude: \"$unbound\"\n");
        accepted('unbound-checkconf', 'unbound-checkconf', $conf);
        like slurp($unbound), qr{^    local-data: "web1\.example\.org\. 3600 IN A 10\.20\.0\.11"\n.*^    local-data-ptr: "10\.20\.0\.11 3600 web1\.example\.org\."\n}ms, 'names and addresses';
    });
    my $result = export('dnsmasq', '--domain', 'example.org', '--output', "$dir/dnsmasq");
    like $result->{err}, qr/^muster-export: web2: another host has 00:16:3e:aa:bb:01/m, 'a hardware address that two have';
    like $result->{err}, qr/^muster-export: db1: 'none' is not a hardware address/m, 'and one that is none';
    like slurp("$dir/dnsmasq"), qr/^host-record=web1\.example\.org,web1,10\.20\.0\.11\n.*^dhcp-host=00:16:3e:aa:bb:01,10\.20\.0\.11,web1$/ms, 'names and reservations';
    with_program(dnsmasq => 'dnsmasq-base', sub { accepted('dnsmasq', 'dnsmasq', '--test', '-C', "$dir/dnsmasq") });
    my $kea = written('kea.json', 'kea');
    is_deeply json(slurp($kea))->[0], { 'hw-address' => '00:16:3e:aa:bb:03', 'ip-address' => '10.20.0.13', hostname => 'db1' }, 'a reservation';
    like export('kea', '--mac', 'none')->{err}, qr/no host has an address and a hardware address/, 'without hardware addresses there are none';
    with_program('kea-dhcp4' => 'kea-dhcp4-server', sub {
        accepted('kea-dhcp4', 'kea-dhcp4', '-t', spew("$dir/kea.conf", qq({"Dhcp4": {"interfaces-config": {"interfaces": []}, "lease-database": {"type": "memfile", "persist": false}, "subnet4": [{"id": 1, "subnet": "10.20.0.0/16", "reservations": <?include "$kea"?>}]}}\n)));
    });
};

subtest 'nagios' => sub {
    my $file = written('nagios.cfg', 'nagios', '--domain', 'example.org');
    like slurp($file), qr/^define hostgroup \{\n    hostgroup_name 3rd_floor\n    alias 3rd_floor\n    members web1\n\}$/m, 'a group, without what begins a comment';
    is export('nagios', '--template', "a\n}")->{status}, 2, 'a template that is no name';
    with_program(nagios4 => 'nagios4-core', sub {
        spew("$dir/objects.cfg", <<'END');
define command {
 command_name c
 command_line /bin/true
}
define timeperiod {
 timeperiod_name always
 alias always
 monday 00:00-24:00
}
define contact {
 contact_name me
 service_notification_commands c
 host_notification_commands c
 host_notification_period always
 service_notification_period always
}
define host {
 name generic-host
 register 0
 check_command c
 max_check_attempts 1
 check_period always
 contacts me
 notification_interval 0
 notification_period always
}
define service {
 service_description s
 host_name web1
 check_command c
 max_check_attempts 1
 check_period always
 contacts me
 notification_period always
}
END
        my $main = spew("$dir/main.cfg", "cfg_file=$dir/objects.cfg\ncfg_file=$file\nlog_file=$dir/nagios.log\nillegal_object_name_chars=`~!\$%^&*|'\"<>?,()=\nnagios_user=@{[ scalar getpwuid $> ]}\nnagios_group=@{[ scalar getgrgid $) + 0 ]}\ntemp_file=$dir/temp\ntemp_path=$dir\ncheck_result_path=$dir\nlock_file=$dir/lock\nobject_cache_file=$dir/cache\nstatus_file=$dir/status\n");
        accepted('nagios', 'nagios4', '-v', $main);
    });
};

subtest 'csv' => sub {
    is printed('csv', '--query', 'name = web1', '--column', 'tag', '--column', 'system.memory', '--column', 'motd'),
        qq(name,driver,ips,in,tag,system.memory,motd\r\nweb1,basicserver,10.20.0.11 10.20.1.11,3rd;floor größe web,one two,32768,"@{[ $nasty =~ s/"/""/gr ]}"\r\n), 'quoted, with columns';
};

# --- Ansible -----------------------------------------------------------------------------------------

subtest 'ansible' => sub {
    my $list = json(printed('ansible'));
    is_deeply $list->{web}, { hosts => [qw(web1 web2)], children => [] }, 'a group';
    is_deeply $list->{production}{children}, [qw(group_all web)], 'groups in it';
    is_deeply $list->{empty}{hosts}, [], 'an empty one has an empty list';
    is_deeply $list->{group_3rd_floor}{hosts}, ['web1'], 'a name that begins with a digit';
    is_deeply $list->{gr__e}{hosts}, ['web1'], 'and other characters';
    is_deeply [ grep { !/^[A-Za-z_][A-Za-z0-9_]*$/ } keys %$list ], [], 'all can be names of groups';
    is_deeply [ map { scalar @{ $list->{$_}{children} } } qw(circle1 circle2) ], [ 1, 0 ], 'one way of a circle';
    my $web1 = $list->{_meta}{hostvars}{web1};
    is $web1->{ansible_host}, '10.20.0.11', 'where it is';
    is_deeply [ @{ $web1->{muster} }{qw(os system_memory tag)} ], [ 'debian', 32768, [qw(one two)] ], 'attributes';
    is_deeply $web1->{muster}{motd}, { __ansible_unsafe => $nasty }, 'no template';
    is_deeply json(printed('--host', 'web1')), $web1, '--host';
    is_deeply json(printed('--host', 'nobody')), {}, '... of a host that is not there';
    is_deeply json(printed('--list')), $list, '--list';
};

# What ansible-inventory and ansible say of this inventory; or why not.
sub ansible {
    my ($env, $name, @args) = @_;
    my $result = run([ $name, @args ], timeout => 300, env => { HOME => $dir, ANSIBLE_NOCOLOR => 1, ANSIBLE_LOCAL_TEMP => "$dir/ansible", MUSTER_URL => $world->front->url, LC_ALL => 'C.UTF-8', %$env });
    return $result->{status} == 0 ? Encode::decode('UTF-8', $result->{out}) : "exit status $result->{status}: $result->{out}$result->{err}";
}

with_program('ansible-inventory' => 'ansible-core', sub {
    my %script = (ANSIBLE_INVENTORY_ENABLED => 'script');
    my %plugin = (ANSIBLE_INVENTORY_ENABLED => 'muster', ANSIBLE_INVENTORY_PLUGINS => source_dir() . '/contrib/ansible', ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED => 1);
    my $file   = spew("$dir/muster.yml", "plugin: muster\n");
    for my $way ([ 'the script', \%script, $program ], [ 'the plugin', \%plugin, $file ]) {
        my ($what, $env, $inventory) = @$way;
        my $graph = ansible($env, 'ansible-inventory', '-i', $inventory, '--graph', 'production');
        is $graph, <<'END', "$what: --graph";
@production:
  |--@group_all:
  |  |--blade1
  |--@web:
  |  |--web1
  |  |--web2
  |--db1
END
        my $web1 = eval { json(ansible($env, 'ansible-inventory', '-i', $inventory, '--host', 'web1')) } // { error => $@ };
        is_deeply [ @$web1{qw(ansible_host muster_driver)}, $web1->{muster}{system_memory} ], [ '10.20.0.11', 'basicserver', 32768 ], "$what: --host";
        my $list = eval { json(ansible($env, 'ansible-inventory', '-i', $inventory, '--list')) } // { error => $@ };
        is_deeply $list->{web}, { hosts => [qw(web1 web2)] }, "$what: --list";
        is_deeply [ sort keys %{ $list->{_meta}{hostvars} } ], [qw(blade1 db1 ns1.example.org web1 web2)], "$what: all hosts, and nothing else became one";
        my $said = ansible($env, 'ansible', '-i', $inventory, 'web1', '-c', 'local', '-m', 'debug', '-a', 'var=muster.motd');
        like $said, qr/\{\{ lookup\('pipe', 'id'\) \}\}/, "$what: no attribute is run as a template";
    }
    spew($file, <<'END');
plugin: muster
query: attr os exists or name = db1
pools: [production]
drivers: [basicserver]
keyed_groups: [{key: muster.os | default('none'), prefix: os}]
groups: {large: muster.system_memory | default(0) >= 32768}
compose: {where: "'at ' ~ ansible_host"}
cache: true
cache_plugin: jsonfile
cache_connection: %CACHE%
END
    spew($file, slurp($file) =~ s{%CACHE%}{$dir/cache}r);
    my $ask = sub { my $said = ansible(\%plugin, 'ansible-inventory', '-i', $file, '--list'); return eval { json($said) } // { error => $said } };
    my $list = $ask->();
    is_deeply [ map { $list->{$_}{hosts} } qw(os_debian os_none large) ], [ ['web1'], ['db1'], ['web1'] ], 'the plugin: selected, and grouped by attributes' or diag explain $list;
    is $list->{_meta}{hostvars}{db1}{where}, 'at 10.20.0.13', 'composed';
    attr('web2', key => 'os', value => 'debian');
    is_deeply $ask->()->{os_debian}{hosts}, ['web1'], 'from the cache';
    unlink glob "$dir/cache/*";
    is_deeply $ask->()->{os_debian}{hosts}, [qw(web1 web2)], 'read again';
    spew($file, "plugin: muster\nurl: http://127.0.0.1:" . free_port() . "\n");
    like ansible(\%plugin, 'ansible-inventory', '-i', $file, '--list'), qr/^exit status .*muster-export has failed/s, 'nobody listens: it fails';
    like ansible({ %script, ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED => 1, MUSTER_URL => 'http://127.0.0.1:' . free_port() }, 'ansible-inventory', '-i', $program, '--list'), qr/^exit status .*refused/s, '... as the script does';
});

subtest 'puppet-enc' => sub {
    my $node = json(printed('puppet-enc', 'web1.example.org', '--domain', 'example.org'));
    is_deeply $node->{classes}, ['motd'], 'classes';
    is $node->{environment}, 'production', 'environment';
    is_deeply [ @{ $node->{parameters} }{qw(muster_os muster_system_memory muster_driver)} ], [ 'debian', 32768, 'basicserver' ], 'parameters';
    is export('puppet-enc', 'web1.example.net', '--domain', 'example.org')->{status}, 1, 'of another domain';
    is export('puppet-enc', "it's")->{status}, 1, 'a node that is not there';
    is export('puppet-enc')->{status}, 1, 'no node';
    is_deeply json(printed('puppet-enc', '--domain', 'example.org', '--', 'web1.example.org')), $node, 'in another order';
    is export('puppet-enc', '--', '--list')->{err}, "muster-export: --list is not a host of the inventory\n", 'no node is an option';
    with_program(puppet => 'puppet-agent', sub {
        my $enc = spew("$dir/enc", "#!/bin/sh\nMUSTER_URL=@{[ $world->front->url ]} exec python3 $program puppet-enc \"\$1\" --domain example.org\n");
        chmod 0755, $enc;
        my $manifest = spew("$dir/site.pp", qq(class motd { notice("class motd") }\nnotice("os \${muster_os}, \${muster_in[1]}")\n));
        mkdir "$dir/puppet" or die "puppet: $!";
        my $result = run([ 'puppet', 'apply', '--confdir', "$dir/puppet", '--vardir', "$dir/puppet", '--node_terminus', 'exec', '--external_nodes', $enc, '--certname', 'web1.example.org', '--environment', 'production', $manifest ], timeout => 300, env => { HOME => $dir, LC_ALL => 'C.UTF-8' });
        like Encode::decode('UTF-8', $result->{out}), qr/os debian, größe.*class motd|class motd.*os debian, gr/s, 'classes and parameters arrive' or diag $result->{err};
    });
};

# --- tokens ------------------------------------------------------------------------------------------

subtest 'a token is never shown' => sub {
    for my $case ([ 'the end of a line', "secret\n", 1 ], [ 'two lines', "sec\nret", 0 ], [ 'a blank', 'sec ret', 0 ], [ 'a letter that no token has', "secr\x{e9}t", 0 ]) {
        my ($what, $token, $is_good) = @$case;
        my $file = spew("$dir/token", Encode::encode('UTF-8', $token));
        for my $way ([ 'MUSTER_TOKEN', { MUSTER_TOKEN => Encode::encode('UTF-8', $token) } ], [ 'a file', {}, '--token-file', $file ]) {
            my ($from, $env, @args) = @$way;
            my $result = export_env($env, 'hosts', @args);
            is $result->{status}, $is_good ? 0 : 1, "$what, from $from: " . ($is_good ? 'left out' : 'refused');
            like $result->{err}, qr/^muster-export: the token .*$/m, '... with a word' unless $is_good;
            unlike $result->{err}, qr/sec/, '... that does not say which';
        }
    }
    my $objects = spew("$dir/objects.jsonl", "");
    for my $case ([ "secret\n", 0 ], [ "sec\nret", 1 ]) {
        my $result = run([ 'python3', source_dir() . '/contrib/muster-import', $world->front->url, $objects ], env => { MUSTER_TOKEN => $case->[0] });
        is $result->{status}, $case->[1], 'muster-import: ' . ($case->[1] ? 'refused' : 'left out') or diag $result->{err};
        unlike $result->{err}, qr/sec/, '... nor there';
    }
    like export_env({}, 'hosts', '--token-file', spew("$dir/token", "\n"))->{err}, qr/^muster-export: the token is empty$/m, 'a file without a token';
};

# A server for one request: what it got goes to a file, then it sends that elsewhere, or says that there is nothing.
sub serve_once {
    my ($file, $location) = @_;
    my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        alarm 300;
        my $socket = $listener->accept;
        my ($got, $length) = ('', 0);
        while (my $line = <$socket>) {
            $got .= $line;
            $length = $1 if $line =~ /^content-length: (\d+)/i;
            last if $line eq "\r\n";
        }
        read $socket, my $body, $length if $length;
        spew($file, $got);
        print {$socket} $location ? "HTTP/1.1 303 See Other\r\nLocation: $location\r\n" : "HTTP/1.1 404 Not Found\r\n", "Connection: close\r\nContent-Length: 0\r\n\r\n";
        POSIX::_exit(0);
    }
    return { pid => $pid, url => 'http://127.0.0.1:' . $listener->sockport };
}

subtest 'a token is sent to the server that it is for' => sub {
    my %env     = (MUSTER_TOKEN => 'secret', PYTHONPATH => source_dir() . '/contrib/examples', PYTHONDONTWRITEBYTECODE => 1);
    my $contrib = source_dir() . '/contrib';
    my $objects = spew("$dir/objects.jsonl", "{}\n");
    my $prefs   = spew("$dir/prefs.json", qq({"__id": "c", "a": 1}\n));
    for my $case (
        [ 'muster-export',     'python3', $program, 'hosts', '--url', 'URL' ],
        [ 'muster-import',     'python3', "$contrib/muster-import", 'URL', $objects ],
        [ 'import-cloudprefs', 'perl', "$contrib/import-cloudprefs", '--user', 'u', '--header', 'Authorization: Bearer secret', '--header', 'X-Key: secret', '--url', 'URL', $prefs ],
        [ 'client.py', 'python3', '-c', 'import sys, client; client.Muster(sys.argv[1], "secret", 1).request("GET", "/x")', 'URL' ],
        [ 'client.py, a write', 'python3', '-c', 'import sys, client; client.Muster(sys.argv[1], "secret", 1).request("POST", "/x")', 'URL' ],
        )
    {
        my ($what, @command) = @$case;
        unlink "$dir/first", "$dir/second";
        my $second = serve_once("$dir/second");
        my $first  = serve_once("$dir/first", "$second->{url}/elsewhere");
        my $result = run([ map { $_ eq 'URL' ? $first->{url} : $_ } @command ], timeout => 120, env => \%env);
        isnt $result->{status}, 0, "$what fails where it is sent elsewhere";
        kill TERM => $_->{pid} for $first, $second;
        waitpid $_->{pid}, 0 for $first, $second;
        like slurp("$dir/first"), qr/^authorization: bearer secret\r$/mi, '... the server gets the token' or diag $result->{err};
        unlike -e "$dir/second" ? slurp("$dir/second") : '', qr/secret/, '... another one does not';
    }
    with_program('ansible-inventory' => 'ansible-core', sub {
        my $other = spew("$dir/token", "of-another-server\n");
        my $first = serve_once("$dir/first");
        my $file  = spew("$dir/muster.yml", "plugin: muster\nurl: $first->{url}\ntoken: of-this-one\n");
        my %env   = (ANSIBLE_INVENTORY_ENABLED => 'muster', ANSIBLE_INVENTORY_PLUGINS => "$contrib/ansible", MUSTER_TOKEN => 'of-another-server', MUSTER_TOKEN_FILE => $other);
        ansible(\%env, 'ansible-inventory', '-i', $file, '--list');
        kill TERM => $first->{pid};
        waitpid $first->{pid}, 0;
        like slurp("$dir/first"), qr/^authorization: bearer of-this-one\r$/mi, 'the plugin: the token of its file comes before all of the environment';
    });
};

done_testing;
