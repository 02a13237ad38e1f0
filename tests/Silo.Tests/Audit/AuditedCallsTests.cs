using Google.Api;
using Mesh.Silo.Audit;

namespace Mesh.Silo.Tests.Audit;

/// <summary>Every call of the admin API is either one that reads or one that is audited.</summary>
public class AuditedCallsTests
{
    public static TheoryData<string> Calls => [.. Mesh.Admin.V1.AdminReflection.Descriptor.Services.SelectMany(service => service.Methods).Select(method => method.Name)];

    [Theory]
    [MemberData(nameof(Calls))]
    public void A_call_that_is_no_GET_is_audited_and_a_GET_is_a_read(string name)
    {
        var method = Mesh.Admin.V1.AdminReflection.Descriptor.Services.SelectMany(service => service.Methods).Single(method => method.Name == name);
        var isGet = method.GetOptions().GetExtension(AnnotationsExtensions.Http).PatternCase == HttpRule.PatternOneofCase.Get;

        Assert.Equal(isGet, AuditedCalls.IsRead(name));
        Assert.Equal(!isGet, AuditedCalls.IsAudited($"/{method.Service.FullName}/{name}"));
        Assert.True(isGet || !method.IsClientStreaming, $"{name} changes something and is asked by a stream: it needs its own way of being audited.");
        Assert.All(
            method.InputType.Fields.InDeclarationOrder(),
            field => Assert.Equal(field.FullName == "mesh.admin.v1.ImportAnchorKeyRequest.private_key", AuditRequest.IsSecret(field)));
    }

    [Theory]
    [InlineData("/mesh.admin.v1.Admin/Getaway")]
    [InlineData("/mesh.admin.v1.Admin/DoSomething")]
    [InlineData("/mesh.admin.v2.Another/Frobnicate")]
    public void A_call_that_nobody_has_thought_of_is_audited(string method) => Assert.True(AuditedCalls.IsAudited(method));

    [Theory]
    [InlineData("/mesh.control.v1.ControlPlaneEnrollment/Enroll")]
    [InlineData("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")]
    public void What_is_not_the_admin_API_is_not(string method) => Assert.False(AuditedCalls.IsAudited(method));

    [Fact]
    public void A_field_that_holds_a_secret_is_known_by_its_name()
    {
        var token = Mesh.Admin.V1.JoinToken.Descriptor.FindFieldByName("token");

        Assert.True(AuditRequest.IsSecret(token));
    }
}
