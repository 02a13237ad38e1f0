using System.Reflection;
using Mesh.Grains.Attestation.Oidc;
using Mesh.Grains.Issuers;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Storage;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Hosting;

/// <summary>The configuration sections that a silo reads, and a check that a misspelt key is not taken for silence.</summary>
internal static class OptionSections
{
    private static readonly Dictionary<string, Type> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Silo"] = typeof(SiloOptions),
        ["Store"] = typeof(StoreOptions),
        ["Anchor"] = typeof(AnchorOptions),
        ["Issuer"] = typeof(IssuerOptions),
        ["Leaf"] = typeof(LeafOptions),
        ["Attestation"] = typeof(AttestationOptions),
    };

    /// <summary>Binds each section to its options.</summary>
    public static void AddOptionSections(this IServiceCollection services, IConfiguration configuration)
    {
        services.Configure<SiloOptions>(configuration.GetSection("Silo"));
        services.Configure<StoreOptions>(configuration.GetSection("Store"));
        services.Configure<AnchorOptions>(configuration.GetSection("Anchor"));
        services.Configure<IssuerOptions>(configuration.GetSection("Issuer"));
        services.Configure<LeafOptions>(configuration.GetSection("Leaf"));
        services.Configure<AttestationOptions>(configuration.GetSection("Attestation"));
    }

    /// <summary>One line for each mistake in any section, all at once: keys that no option has, and values out of range.</summary>
    public static IReadOnlyList<string> Mistakes(IConfiguration configuration, IServiceProvider services) =>
    [
        .. UnknownKeys(configuration),
        .. Failures<SiloOptions>("Silo", services),
        .. Failures<StoreOptions>("Store", services),
        .. Failures<AnchorOptions>("Anchor", services),
        .. Failures<IssuerOptions>("Issuer", services),
        .. Failures<LeafOptions>("Leaf", services),
        .. Failures<AttestationOptions>("Attestation", services),
    ];

    private static IEnumerable<string> Failures<TOptions>(string section, IServiceProvider services)
        where TOptions : class
    {
        try
        {
            _ = services.GetRequiredService<IOptions<TOptions>>().Value;
            return [];
        }
        catch (OptionsValidationException mistakes)
        {
            return mistakes.Failures.Select(failure => failure.Contains($"{section}:", StringComparison.Ordinal) ? failure : $"{section}:{failure}");
        }
        catch (InvalidOperationException mistake) when (mistake.Source == "Microsoft.Extensions.Configuration.Binder")
        {
            return [mistake.Message];
        }
    }

    private static IEnumerable<string> UnknownKeys(IConfiguration configuration) =>
    [
        .. Sections.SelectMany(section => UnknownKeys(configuration.GetSection(section.Key), section.Key, section.Value)),
        .. configuration.GetSection("Attestation:Oidc").GetChildren().SelectMany(issuer => UnknownKeys(issuer, issuer.Path, typeof(OidcIssuerOptions))),
    ];

    private static IEnumerable<string> UnknownKeys(IConfigurationSection section, string path, Type options)
    {
        var known = options.GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name).ToList();
        return section.GetChildren()
            .Where(child => !known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            .Select(child => $"{path}:{child.Key} is not an option. {path} has: {string.Join(", ", known.Order())}.");
    }
}
