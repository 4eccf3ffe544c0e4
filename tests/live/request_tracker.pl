# What the live test finds in its Request Tracker: customers and tickets that all changed in one second, and the user of
# the bridge with the rights that its README names, no others. Read by rt-setup-database-5 --action insert.
use strict;
use warnings;

our @Queues = ({ Name => 'Support' }, { Name => 'Beschwerden' });
our @Users  = (
    { Name => 'bridge', Password => 'bridge-password', Privileged => 1, Timezone => 'UTC' },
    { Name => 'newcomer', Password => 'newcomer-password', Privileged => 1, Timezone => 'UTC' },
);
our @ACL = (
    ( map { { UserId => 'bridge', Right => $_ } } split ' ', $ENV{BRIDGE_RIGHTS} ),
    ( map { { UserId => 'newcomer', Right => $_ } } qw(ShowTicket SeeGroup AdminGroupMembership) ),
);
our @CustomFields
    = ({ Name => 'Kundennummer', Type => 'FreeformSingle', LookupType => 'RT::User', ApplyTo => 0 });

our @Final = (
    sub {
        my ($changed) = ('2026-03-02 09:00:00');
        $RT::Handle->BeginTransaction;    # one wait for the disk, not hundreds
        for my $number ( 1 .. $ENV{BRIDGE_CUSTOMERS} ) {
            my $name = sprintf 'customer%03d', $number;
            RT::User->new( RT->SystemUser )
                ->Create( Name => $name, EmailAddress => "$name\@example.org", RealName => "Customer $number" );
        }
        for my $number ( 1 .. $ENV{BRIDGE_TICKETS} ) {
            my $of = sprintf 'customer%03d@example.org', 1 + $number % $ENV{BRIDGE_CUSTOMERS};
            RT::Ticket->new( RT->SystemUser )
                ->Create( Queue => 'Support', Subject => "Ticket $number", Requestor => $of );
        }
        $RT::Handle->Commit;
        $RT::Handle->SimpleQuery("UPDATE $_ SET LastUpdated = '$changed', Created = '$changed'") for qw(Users Tickets);
        my $user = RT::User->new( RT->SystemUser );
        $user->Load('bridge');
        my $token = RT::AuthToken->new( RT->SystemUser );
        my ( $done, $said, $secret ) = $token->Create( Owner => $user->id, Description => 'live test' );
        open my $file, '>', $ENV{BRIDGE_TOKEN} or die $!;
        print $file $secret;
        close $file or die $!;
    },
);

1;
