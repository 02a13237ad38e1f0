using Mesh.Proxy.Interception;
using Mesh.Proxy.Native;

namespace Mesh.Proxy.Tests.Interception;

public sealed class UidAdmissionTests
{
    [Fact]
    public void Where_nobody_is_named_the_proxys_own_user_is_admitted_and_no_other()
    {
        var admission = UidAdmission.For(NumberRanges.None);

        Assert.True(admission.Admits(Libc.EffectiveUserId()));
        Assert.False(admission.Admits(Libc.EffectiveUserId() + 1));
    }

    [Fact]
    public void Where_users_are_named_the_proxys_own_is_admitted_only_if_it_is_one_of_them()
    {
        var admission = UidAdmission.For(NumberRanges.Of([(61184, 65519)]));

        Assert.False(admission.Admits(Libc.EffectiveUserId()));
        Assert.False(admission.Admits(0));
        Assert.True(admission.Admits(61184));
    }

    [Fact]
    public void A_client_whose_owner_is_not_known_is_refused()
    {
        var everybody = new UidAdmission(NumberRanges.Of([(0, uint.MaxValue)]));

        Assert.False(everybody.Admits(null));
        Assert.False(everybody.Admits(uint.MaxValue));
        Assert.True(everybody.Admits(0));
    }
}
